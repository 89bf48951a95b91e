"""Images, videos and sounds as a provider gets to see them: out of a data URI, or fetched from a loopback address."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes, urlsplit

import av
import requests
from PIL import Image, ImageOps
from urllib3.exceptions import HTTPError

from ..loopback import is_loopback_host

MAX_IMAGE_BYTES = 50_000_000
MAX_VIDEO_BYTES = 100_000_000
FETCH_TIMEOUT_S = 20.0
SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/bmp": ".bmp", "image/webp": ".webp", "image/gif": ".gif"}
CONTAINERS = "mov,mp4,m4a,matroska,webm,avi,mpegts,flv,ogg,asf,wav,mp3,flac,aac,aiff"
"""What is opened, by libav's names; none of them names other files."""


class MediaRefused(ValueError):
    """A submitted file can't be read or isn't what it should be; the text says why."""


@dataclass(frozen=True)
class Submitted:
    """A file that was really opened. Width and height as displayed, px; 0 for a sound. Seconds: 0 for an image."""

    data: bytes
    mime: str
    suffix: str
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    still: bytes = b""
    """A picture to show of it: an image is its own, a video's is its first frame, a sound has none."""

    def shown_as(self, name: str) -> str:
        """What the file of that picture is called, when this one is called `name`."""
        return name if self.still is self.data else f"{name}.png"


def open_media(kind: str, data: bytes, declared: str = "") -> Submitted:
    """Open an image, or a video or audio file and decode its beginning.

    Raises:
        MediaRefused: not of that kind, broken, too large, or not of the declared type.
    """
    limit = MAX_IMAGE_BYTES if kind == "image" else MAX_VIDEO_BYTES
    if len(data) > limit:
        raise MediaRefused(f"the {kind} has {len(data)} bytes; at most {limit} are accepted")
    return _picture(data, declared) if kind == "image" else _played(data, declared, kind)


def _picture(data: bytes, declared: str) -> Submitted:
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
    return Submitted(data, mime, SUFFIXES.get(mime, ".img"), width, height, still=data)


def _played(data: bytes, declared: str, kind: str) -> Submitted:
    if declared.startswith(("image/", "text/")):
        raise MediaRefused(f"the {kind} is declared as {declared}")
    try:
        with av.open(
            io.BytesIO(data), "r", options={"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}
        ) as file:
            frame = next(file.decode(**{kind: 0}))
            seconds = float(file.duration or 0) / av.time_base
            name = file.format.name.split(",")[0].replace("mov", "mp4")
            if not isinstance(frame, av.VideoFrame):
                return Submitted(data, f"audio/{name}", f".{name}", seconds=seconds)
            still = io.BytesIO()
            Image.fromarray(frame.to_ndarray(format="rgb24")).save(still, "PNG")
    except (av.FFmpegError, OSError, ValueError, IndexError, StopIteration) as error:
        raise MediaRefused(f"the file is not {kind} that can be opened") from error
    return Submitted(data, f"video/{name}", f".{name}", frame.width, frame.height, seconds, still.getvalue())


def read_uri(uri: str, max_bytes: int = MAX_VIDEO_BYTES) -> tuple[bytes, str] | None:
    """Bytes and declared type behind a data: URI or a loopback http(s) address.

    None for an https address anywhere else: nothing leaves this machine, so it is believed unseen.

    Raises:
        MediaRefused: malformed, not reachable, plain http of another host, or larger than `max_bytes`.
    """
    scheme = uri.partition(":")[0].lower()
    if scheme == "data":
        return _read_data_uri(uri)
    if scheme not in ("http", "https"):
        raise MediaRefused("the value is neither a data: URI nor an http(s) address")
    try:
        host = urlsplit(uri).hostname or ""
    except ValueError as error:
        raise MediaRefused(f"the address can't be read ({error})") from error
    if is_loopback_host(host):
        return _fetch(uri, max_bytes)
    if scheme == "http" or "." not in host:
        raise MediaRefused(f"the address has to be https and public; found {scheme} of {host!r}")
    return None


def _read_data_uri(uri: str) -> tuple[bytes, str]:
    head, comma, text = uri[5:].partition(",")
    kind, *flags = head.split(";")
    try:
        if not comma:
            raise ValueError("it has no comma")
        return base64.b64decode(text, validate=True) if "base64" in flags else unquote_to_bytes(text), kind
    except ValueError as error:
        raise MediaRefused(f"the data: URI can't be read ({error})") from error


def _fetch(uri: str, max_bytes: int) -> tuple[bytes, str]:
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(uri, timeout=FETCH_TIMEOUT_S, allow_redirects=False, stream=True)
            answer.raise_for_status()
            data = answer.raw.read(max_bytes + 1, decode_content=True)
    except (requests.RequestException, HTTPError, OSError) as error:
        raise MediaRefused(f"the address could not be read ({error})") from error
    if len(data) > max_bytes or answer.is_redirect:
        raise MediaRefused(f"behind the address there is no file of at most {max_bytes} bytes")
    return data, answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
