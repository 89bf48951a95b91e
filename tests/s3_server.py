"""An S3 of moto's on loopback, and what is in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

KEY_ID, SECRET = "key-id-of-the-tests", "secret/of+the tests"
"""A secret as AWS makes them: not all of it may stand in a URL as it is."""
REGION = "us-east-1"


@dataclass(frozen=True)
class S3Server:
    """A server that runs.

    Args:
        endpoint: its address.
        port: of it.
    """

    endpoint: str
    port: int

    @property
    def client(self) -> Any:
        keys = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": SECRET}
        return boto3.session.Session().client("s3", endpoint_url=self.endpoint, region_name=REGION, **keys)

    def make(self, bucket: str) -> None:
        self.client.create_bucket(Bucket=bucket)

    def objects(self, bucket: str) -> dict[str, bytes]:
        found = self.client.list_objects_v2(Bucket=bucket).get("Contents", [])
        return {item["Key"]: self.read(bucket, item["Key"]) for item in found}

    def read(self, bucket: str, key: str) -> bytes:
        return self.client.get_object(Bucket=bucket, Key=key)["Body"].read()

    def write(self, bucket: str, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=bucket, Key=key, Body=data)


@contextmanager
def s3_server() -> Iterator[S3Server]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield S3Server(f"http://{host}:{port}", port)
    server.stop()
