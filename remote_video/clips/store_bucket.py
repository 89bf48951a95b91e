"""A bucket at Amazon, Google, Azure or a compatible service as a store of clips, through obstore.

Every request has a time limit of its own, and reads are made of many small ones: what is slow gets through, what stands
still is given up. A part of an upload carries its SHA-256 in what is signed, so that a store takes no other bytes.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ..errors import SettingsError
from ..outside_text import message, without_key
from ..timeouts import Timeouts
from .shared_store import NotInStore, StoreTrouble
from .store_url import StoreUrl, refused

T = TypeVar("T")
INSTALL = 'python -m pip install "obstore>=0.11"'
PIECE_BYTES = 8 * 2**20
PIECES_AT_ONCE = 2
"""Of an upload: each is held in memory."""
RETRIES = 2
_XML = re.compile(r"<(Code|Message)>([^<]*)</")
_QUERY = re.compile(r"\?[^\s)\"]*")
_NO_BUCKET = re.compile("NoSuchBucket|ContainerNotFound|The specified bucket does not exist")


class BucketObjects:
    """Objects below a prefix.

    Args:
        url: which bucket, and what opens it.
        timeouts: `store_connect` and `store_request`.

    Raises:
        SettingsError: obstore is not installed, knows no such option, or there are no keys.
    """

    def __init__(self, url: StoreUrl, timeouts: Timeouts) -> None:
        try:
            self._obstore: Any = importlib.import_module("obstore")
            stores: Any = importlib.import_module("obstore.store")
        except ImportError:
            raise refused(
                f"names a store of the kind {url.kind}://, and the Python package obstore is not installed",
                f"Install it into ComfyUI's Python environment ({INSTALL}), then restart ComfyUI.",
            ) from None
        self._secrets = url.secrets
        try:
            self._store = stores.from_url(
                url.place,
                config={**({"region": "us-east-1"} if _needs_region(url) else {}), **url.options},
                client_options={
                    "connect_timeout": timedelta(seconds=timeouts.store_connect),
                    "timeout": timedelta(seconds=timeouts.store_request),
                    "allow_http": url.options.get("endpoint", url.options.get("endpoint_url", "")).startswith("http:"),
                },
                retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=timeouts.store_request)},
                **_credentials(url),
            )
        except (self._obstore.exceptions.BaseError, ValueError, TypeError) as error:
            raise refused(f"is not accepted by obstore: {self._words(error)}") from None

    def size(self, name: str) -> int | None:
        """Of an object, bytes. Raises StoreTrouble."""
        try:
            found = self._asked(lambda: self._obstore.head(self._store, name))
        except NotInStore:
            return None
        return int(found["size"])

    def put(self, name: str, file: Path) -> None:
        """Keep a file's bytes: an object appears when the last of them is there. Raises StoreTrouble."""
        is_large = file.stat().st_size > PIECE_BYTES
        try:
            self._asked(
                lambda: self._obstore.put(
                    self._store,
                    name,
                    file,
                    use_multipart=is_large,
                    chunk_size=PIECE_BYTES,
                    max_concurrency=PIECES_AT_ONCE,
                )
            )
        except NotInStore as missing:
            raise StoreTrouble(f"it can't be written: {missing}") from None

    def pieces(self, name: str, size: int) -> Iterator[bytes]:
        """An object's bytes. Raises NotInStore, StoreTrouble."""
        for start in range(0, size, PIECE_BYTES):
            yield self._asked(partial(self._piece, name, start, min(size, start + PIECE_BYTES)))

    def _piece(self, name: str, start: int, end: int) -> bytes:
        return bytes(self._obstore.get_range(self._store, name, start=start, end=end))

    def delete(self, name: str) -> None:
        """Remove an object. Raises StoreTrouble."""
        try:
            self._asked(lambda: self._obstore.delete(self._store, name))
        except NotInStore:
            return

    def _asked(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except FileNotFoundError as error:
            if _NO_BUCKET.search(str(error)):
                raise StoreTrouble(self._words(error)) from None
            raise NotInStore(self._words(error)) from None
        except (self._obstore.exceptions.BaseError, OSError, ValueError) as error:
            raise StoreTrouble(self._words(error)) from None

    def _words(self, error: Exception) -> str:
        """The store's code and sentence, else the library's first lines; no address of a request: it may be signed."""
        text = str(error).partition("\n\nDebug source")[0]
        said = dict(_XML.findall(text))
        told = ": ".join(said[part] for part in ("Code", "Message") if said.get(part))
        text = told or _QUERY.sub("", text)
        for secret in self._secrets:
            text = without_key(text, secret)
        return message(text).rstrip(" .:")


def _needs_region(url: StoreUrl) -> bool:
    """A store with an address of its own seldom has regions, and a signature always names one."""
    return url.kind == "s3" and bool({"endpoint", "endpoint_url"} & url.options.keys())


def _credentials(url: StoreUrl) -> dict[str, Any]:
    """For S3: what boto3 finds (profiles, roles), where it is installed and no key is given. Raises SettingsError."""
    if url.kind != "s3" or "access_key_id" in url.options or "skip_signature" in url.options:
        return {}
    try:
        provider: Any = importlib.import_module("obstore.auth.boto3")
    except ImportError:
        return {}
    try:
        return {"credential_provider": provider.Boto3CredentialProvider()}
    except Exception as error:
        raise _no_keys() from error


def _no_keys() -> SettingsError:
    return refused(
        "names a bucket, and no keys for it are found",
        "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or what else boto3 knows, then restart ComfyUI.",
    )
