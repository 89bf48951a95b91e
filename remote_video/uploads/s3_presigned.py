"""The image in an S3-compatible bucket, shown to the provider by a pre-signed URL that expires."""

from __future__ import annotations

import logging
from typing import Any

from ..errors import SettingsError, UploadError
from ..outside_text import message, quoted
from ..settings import S3Settings
from .names import unguessable_name

_log = logging.getLogger("remote_video")

LONGEST_EXPIRY_S = 7 * 24 * 3600
"""What the signature (version 4) allows."""


class S3Presigned:
    """Puts files into a bucket under unguessable keys and sends pre-signed GET URLs.

    boto3 is an optional extra: it is imported here and nowhere else, and finds its keys by its own rules.

    Args:
        settings: bucket, endpoint, region, prefix and how long a URL works, s.

    Raises:
        SettingsError: boto3 isn't installed, or the expiry is longer than a signature may last.
    """

    name = "s3"

    def __init__(self, settings: S3Settings) -> None:
        if settings.expires_s > LONGEST_EXPIRY_S:
            raise SettingsError(
                f"REMOTE_VIDEO_S3_EXPIRES_S is {settings.expires_s}; a pre-signed URL can last {LONGEST_EXPIRY_S} s "
                "(7 days) at most.",
                next_step="Set a smaller number, then restart ComfyUI.",
            )
        self._settings = settings
        self._client: Any = _client(settings)
        self._keys: list[str] = []

    def url_for(self, data: bytes, mime: str) -> str:
        """Put `data` with its content type. Raises UploadError in the store's own words."""
        from botocore.exceptions import BotoCoreError, ClientError

        bucket = self._settings.bucket
        key = _folder(self._settings.prefix) + unguessable_name(mime)
        self._keys.append(key)
        try:
            self._client.put_object(Bucket=bucket, Key=key, Body=data, ContentType=mime)
            url: str = self._client.generate_presigned_url(
                "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=self._settings.expires_s
            )
            return url
        except (BotoCoreError, ClientError) as error:
            raise UploadError(
                f"The image could not be put into the S3 bucket {quoted(bucket)}: {_said(error)}",
                next_step="Check the REMOTE_VIDEO_S3_* settings, the keys that boto3 finds and the network, "
                "then run again.",
            ) from None

    @property
    def names(self) -> tuple[str, ...]:
        """Of the objects that lie there, without their prefix."""
        return tuple(key.rpartition("/")[2] for key in self._keys)

    def adopt(self, names: list[str]) -> None:
        """Take over objects that another run put there."""
        self._keys += [_folder(self._settings.prefix) + name for name in names]

    def discard(self) -> None:
        """Delete the objects."""
        from botocore.exceptions import BotoCoreError, ClientError

        for key in self._keys:
            try:
                self._client.delete_object(Bucket=self._settings.bucket, Key=key)
            except (BotoCoreError, ClientError) as error:
                _log.warning("Could not delete %s from the bucket %s: %s", key, self._settings.bucket, _said(error))
        self._keys.clear()


def _said(error: Exception) -> str:
    """The store's words; where no connection can even be tried, the kind alone: a proxy's password may be quoted."""
    from botocore.exceptions import HTTPClientError

    inner = getattr(error, "kwargs", {}).get("error") if type(error) is HTTPClientError else None
    if inner is None:
        return message(str(error))
    return f"no connection can be made ({type(inner).__name__}); look at HTTPS_PROXY, HTTP_PROXY and ALL_PROXY"


def _folder(prefix: str) -> str:
    trimmed = prefix.strip().strip("/")
    return trimmed + "/" if trimmed else ""


def _client(settings: S3Settings) -> Any:
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError as error:
        raise SettingsError(
            "REMOTE_VIDEO_UPLOADS is 's3', and the Python package boto3, which talks to S3, is not installed.",
            next_step="Install boto3 (1.36 or newer) into ComfyUI's Python environment (python -m pip install boto3), "
            "or remove REMOTE_VIDEO_UPLOADS; then restart ComfyUI.",
        ) from error
    try:
        config = Config(
            signature_version="s3v4",
            connect_timeout=15,
            read_timeout=60,
            retries={"mode": "standard", "total_max_attempts": 4},
            # Stores that only resemble AWS answer at host/bucket, and many don't know AWS's newer checksums.
            s3={"addressing_style": "path" if settings.endpoint_url else "auto"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        # A separate session: boto3's default session must not be shared between threads.
        session = boto3.session.Session(region_name=settings.region)
        return session.client("s3", endpoint_url=settings.endpoint_url, config=config)
    except (BotoCoreError, TypeError, ValueError) as error:
        raise SettingsError(
            f"boto3 {boto3.__version__} does not accept the S3 settings: {message(str(error))}",
            next_step="Check the REMOTE_VIDEO_S3_* settings (and that boto3 is 1.36 or newer), then restart ComfyUI.",
        ) from error
