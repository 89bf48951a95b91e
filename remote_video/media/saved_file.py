"""What a file that a job brought is: a whole video, or a whole picture."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, UnidentifiedImageError

from ..errors import MediaError
from .clip import Clip
from .container import MAX_PIXELS
from .whole_file import what_is_missing

VIDEO_SUFFIX = ".mp4"
PICTURES = {
    "PNG": ".png",
    "JPEG": ".jpg",
    "WEBP": ".webp",
    "GIF": ".gif",
    "BMP": ".bmp",
    "TIFF": ".tif",
    "AVIF": ".avif",
}
"""By Pillow's names, with the endings of their files. Others are not opened: some run programs."""


def check_video(path: Path) -> str:
    """How its name ends. Raises MediaError when it is not a whole video, OSError when it can't be read."""
    Clip.open(path)
    if missing := what_is_missing(path):
        raise MediaError(f"{missing} are missing at its end")
    return VIDEO_SUFFIX


def check_video_or_picture(path: Path) -> str:
    """How its name ends, by what is in it. Raises MediaError when it is neither, or not whole."""
    Image.init()
    try:
        with Image.open(path, formats=[name for name in PICTURES if name in Image.OPEN]) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise MediaError(f"the picture is larger than {MAX_PIXELS} px")
            picture.load()
            return PICTURES.get(str(picture.format), ".jpg")  # several JPEGs in one are a format of their own
    except UnidentifiedImageError:
        return check_video(path)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise MediaError(f"the picture is damaged ({error})") from error
