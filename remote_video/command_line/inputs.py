"""A model's inputs from words: what its node would get by wires and widgets."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ..catalogue.catalogue import snapshot
from ..catalogue.model import CatalogueModel, video_models
from ..catalogue.store import known
from ..errors import InputRefused, RequestRefused
from ..media.fit import FitMode
from ..models import MODELS, KlingElement, ModelSpec
from ..models.fields import Field, Flag
from ..models.groups import OFF, Repeated
from ..models.kling_elements import Elements
from ..models.media_fields import Footage, MediaField, Picture
from ..outside_text import quoted
from ..settings import Settings

Reader = Callable[[str, Any, Path], Any]
"""Turns (name of the input, what was given, folder of relative paths) into what the node would get."""
BROKEN = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
"""What Pillow raises for a file that it can't read."""
YES, NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
AN_ELEMENT = (
    'a JSON list of {"frontal_image": path, "reference_images": [path, ...], "video": path of an MP4}, '
    "each with at least one of them"
)


def model_named(name: str, settings: Settings | None = None) -> tuple[ModelSpec, dict[str, Any]]:
    """A model by its node's id, its name or the provider's id of it, and what the name says of its inputs.

    "cometapi/veo3-pro" is CometAPI's node with veo3-pro for its `model`. Raises RequestRefused.

    Args:
        settings: whose catalogue is looked into as well; the one that ships, without them.
    """
    wanted = name.strip()
    for spec in MODELS:
        if wanted.casefold() in (word.casefold() for word in (spec.node_id, spec.name, spec.model_id)):
            return spec, {}
    provider, _, model = wanted.partition("/")
    for spec in MODELS:
        if model and spec.provider == provider.casefold() and any(field.name == "model" for field in spec.fields):
            return spec, {"model": model}
    catalogue = known(settings.home, settings.endpoint(CatalogueModel.provider)) if settings else snapshot()
    if (offered := video_models(catalogue).get(wanted)) is not None:
        return offered, {}
    listed = "; ".join(f"{spec.node_id} ({spec.model_id})" for spec in MODELS)
    raise RequestRefused(
        f"{quoted(name)} is not one of the models.",
        next_step=f"Give one of {listed}, or an id of RunComfy's catalogue.",
    )


def values_of(spec: ModelSpec, given: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """What was given by name, as the node would get it. What is left out or empty takes its default.

    Args:
        given: text, or what JSON can hold.
        folder: where relative paths begin.

    Raises:
        InputRefused: no such input, or nothing that it can take. Limits are the model's to check.
    """
    readers = _readers(spec)
    if unknown := [quoted(name) for name in given if name not in readers]:
        raise InputRefused(
            f"{spec.name} has no input {', '.join(unknown)}.", next_step=f"It takes {', '.join(readers)}."
        )
    there = {name: value for name, value in given.items() if value is not None and value != ""}
    return {name: readers[name](name, value, folder) for name, value in there.items()}


def _readers(spec: ModelSpec) -> dict[str, Reader]:
    return {**{field.name: _reader(field) for field in spec.fields}, "fit": _fit_mode}


def _reader(field: Field) -> Reader:
    if isinstance(field, MediaField):
        return partial(_files, field)
    if isinstance(field, Repeated):
        return partial(_groups, field)
    if isinstance(field, Elements):
        return _elements
    return _flag if isinstance(field, Flag) else _word


def _refused(name: str, value: Any, wanted: str) -> InputRefused:
    return InputRefused(f"`{name}` is {quoted(value)}; it has to be {wanted}.")


def _word(name: str, value: Any, folder: Path) -> Any:
    if not isinstance(value, (str, int, float)):
        raise _refused(name, value, "text or a number")
    return value


def _flag(name: str, value: Any, folder: Path) -> bool:
    word = str(value).strip().lower()
    if word not in (*YES, *NO):
        raise _refused(name, value, "true or false")
    return word in YES


def _fit_mode(name: str, value: Any, folder: Path) -> str:
    if value not in get_args(FitMode):
        raise _refused(name, value, "one of " + ", ".join(get_args(FitMode)))
    return str(value)


def _path(name: str, value: Any, folder: Path) -> Path:
    if not isinstance(value, str):
        raise _refused(name, value, "the path of a file")
    return folder / Path(value).expanduser()


def _image(name: str, value: Any, folder: Path) -> NDArray[Any]:
    """An image file's pixels, uint8 [1, H, W, 3], upright, what is transparent over white."""
    path = _path(name, value, folder)
    try:
        with Image.open(path) as file:
            return _pixels(ImageOps.exif_transpose(file))
    except BROKEN as error:
        raise InputRefused(f"`{name}`: {path} can't be read as an image ({_why(error)}).") from error


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _pixels(image: Image.Image) -> NDArray[Any]:
    if image.mode.startswith("I"):  # grey, 16 bits
        grey = np.asarray(image).astype(np.float32) / 65535
        return np.repeat(_rounded(grey)[None, :, :, None], 3, axis=3)
    if "A" not in image.getbands() and "transparency" not in image.info:
        return np.asarray(image.convert("RGB"))[None]
    seen = np.asarray(image.convert("RGBA"), np.float32) / 255
    alpha = seen[..., 3:]
    return _rounded(seen[..., :3] * alpha + (1 - alpha))[None]


def _rounded(values: NDArray[Any]) -> NDArray[Any]:
    """Float32, 0..1, as 8 bits; what is beyond is clipped."""
    scaled: NDArray[Any] = values.clip(0, 1) * np.float32(255) + np.float32(0.5)
    return scaled.astype(np.uint8)


def _json(name: str, value: Any, wanted: str) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        raise _refused(name, value, wanted) from None


def _list(name: str, value: Any, wanted: str, keys: set[str], needed: set[str]) -> list[dict[str, Any]]:
    """A list of objects, from JSON or as it is."""
    items = _json(name, value, wanted)
    if not isinstance(items, list) or not all(
        isinstance(item, dict) and needed <= item.keys() <= keys for item in items
    ):
        raise _refused(name, value, wanted)
    return items


def _files(field: MediaField, name: str, value: Any, folder: Path) -> Any:
    """A file, or several as a JSON list where the model takes them: paths, or addresses where it takes those."""
    is_list = isinstance(value, list) or (field.takes_several and str(value).lstrip().startswith("["))
    parts = _json(name, value, "a JSON list of files") if is_list else [value]
    if not isinstance(parts, list):
        raise _refused(name, value, "a JSON list of files")
    found = [_file(field, name, part, folder) for part in parts]
    return found if is_list else found[0]


def _file(field: MediaField, name: str, value: Any, folder: Path) -> Any:
    if field.takes_address and isinstance(value, str) and "://" in value:
        return value
    if isinstance(field, Picture):
        return _image(name, value, folder)
    if isinstance(field, Footage):
        return _mp4(name, _path(name, value, folder))
    raise _refused(name, value, "a public https:// address")


def _groups(field: Repeated, name: str, value: Any, folder: Path) -> list[dict[str, Any]]:
    parts = [part.name for part in field.of]
    needed = {part.name for part in field.of if getattr(part, "required", False)}
    wanted = f"off, or a JSON list of {{{', '.join(parts)}}}"
    return [] if value == OFF else _list(name, value, wanted, set(parts), needed)


def _elements(name: str, value: Any, folder: Path) -> dict[str, KlingElement]:
    keys = {"frontal_image", "reference_images", "video"}
    elements = _list(name, value, AN_ELEMENT, keys, set())
    return {f"element_{n}": _element(element, folder) for n, element in enumerate(elements, 1)}


def _element(element: Mapping[str, Any], folder: Path) -> KlingElement:
    views = [_image("reference_images", path, folder) for path in element.get("reference_images") or ()]
    if len({view.shape for view in views}) > 1:
        raise InputRefused(
            "`reference_images` differ in size.", next_step="Resize the images of one element to the same size."
        )
    front, video = element.get("frontal_image"), element.get("video")
    return KlingElement(
        frontal_image=None if front is None else _image("frontal_image", front, folder),
        reference_images=np.concatenate(views) if views else None,
        video_mp4=None if video is None else _mp4("video", _path("video", video, folder)),
    )


def _mp4(name: str, path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        raise InputRefused(f"`{name}`: {path} can't be read ({_why(error)}).") from error
    if content[4:8] != b"ftyp":
        raise InputRefused(f"`{name}`: {path} is not an MP4 file.")
    return content
