"""Images and videos as a provider gets to see them: out of a data URI, or fetched from a loopback address."""

from __future__ import annotations

import base64
import binascii
import io
import urllib.error
import urllib.request
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes, urlsplit

from PIL import Image, ImageOps

from ..errors import MediaError
from ..loopback import is_loopback_host
from ..media.container import open_media

MAX_IMAGE_BYTES = 50_000_000
MAX_VIDEO_BYTES = 100_000_000
FETCH_TIMEOUT_S = 20.0
SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/bmp": ".bmp", "image/webp": ".webp", "image/gif": ".gif"}


class MediaRefused(ValueError):
    """A submitted image or video can't be had or isn't one; the text says why."""


@dataclass(frozen=True)
class Picture:
    """An image that was really opened. Width and height as displayed, px."""

    data: bytes
    mime: str
    width: int
    height: int

    @property
    def suffix(self) -> str:
        return SUFFIXES.get(self.mime, ".img")


def open_picture(data: bytes, declared: str = "") -> Picture:
    """Open an image file.

    Raises:
        MediaRefused: not an image, broken, too large, or not of the declared type.
    """
    if len(data) > MAX_IMAGE_BYTES:
        raise MediaRefused(f"the image has {len(data)} bytes; at most {MAX_IMAGE_BYTES} are accepted")
    try:
        with Image.open(io.BytesIO(data)) as image:
            mime = Image.MIME.get(image.format or "", "application/octet-stream")
            image.load()
            width, height = ImageOps.exif_transpose(image).size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise MediaRefused(f"the file is not an image that can be opened ({error})") from error
    declared = declared.replace("image/jpg", "image/jpeg")
    if declared.startswith("image/") and declared != mime:
        raise MediaRefused(f"the image is declared as {declared} and is {mime}")
    return Picture(data, mime, width, height)


def open_footage(data: bytes) -> bytes:
    """Check that the bytes are a video file with at least one frame.

    Raises:
        MediaRefused: it is not one.
    """
    if len(data) > MAX_VIDEO_BYTES:
        raise MediaRefused(f"the video has {len(data)} bytes; at most {MAX_VIDEO_BYTES} are accepted")
    try:
        with open_media(io.BytesIO(data)) as container:
            next(container.decode(video=0))
    except (MediaError, IndexError, StopIteration) as error:
        raise MediaRefused("the file is not a video that can be opened") from error
    return data


def read_uri(uri: str, max_bytes: int = MAX_VIDEO_BYTES) -> tuple[bytes, str]:
    """Bytes and declared type behind a data: URI or a loopback http(s) address.

    Raises:
        MediaRefused: malformed, not reachable, not loopback, or larger than `max_bytes`.
    """
    scheme = uri.partition(":")[0].lower()
    if scheme == "data":
        return _read_data_uri(uri)
    if scheme in ("http", "https"):
        return _fetch(uri, max_bytes)
    raise MediaRefused("the value is neither a data: URI nor an http(s) address")


def _read_data_uri(uri: str) -> tuple[bytes, str]:
    head, comma, text = uri[5:].partition(",")
    if not comma:
        raise MediaRefused("the data: URI has no comma")
    kind, *flags = head.split(";")
    if "base64" not in flags:
        return unquote_to_bytes(text), kind
    try:
        return base64.b64decode(text, validate=True), kind
    except binascii.Error as error:
        raise MediaRefused(f"the data: URI is not valid base64 ({error})") from error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: object) -> None:
        return None


def _fetch(uri: str, max_bytes: int) -> tuple[bytes, str]:
    host = urlsplit(uri).hostname or ""
    if not is_loopback_host(host):
        raise MediaRefused(f"the sandbox fetches from loopback addresses only, not from {host!r}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
    try:
        with opener.open(uri, timeout=FETCH_TIMEOUT_S) as answer:
            data = answer.read(max_bytes + 1)
            kind = answer.headers.get_content_type()
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise MediaRefused(f"the address could not be read ({error})") from error
    if len(data) > max_bytes:
        raise MediaRefused(f"the file behind the address has more than {max_bytes} bytes")
    return data, kind
