"""An IMAGE made to fit a model's limits: pixels, then size and ratio. Says everything it changes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import Action, InputRefused

FitMode = Literal["auto", "crop", "pad", "strict"]
Size = tuple[int, int]
"""Width and height, px."""
Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""

USE_A_LIST = (
    "Send one image, or put a Rebatch Images node (batch_size 1) before it, which makes a list: one clip each, "
    "side by side."
)
"""The node is ComfyUI's own, since 0.12 at the latest."""
MAKE_IT_FIT = "Resize or crop the image, or set `fit` to auto, crop or pad, then run again."


@dataclass(frozen=True)
class Bound:
    """A range with open or closed ends; an end that is None is not there."""

    gt: float | None = None
    ge: float | None = None
    lt: float | None = None
    le: float | None = None

    def holds(self, value: float) -> bool:
        """Whether the value lies inside."""
        return not self.is_below(value) and not self.is_above(value)

    def is_below(self, value: float) -> bool:
        """Whether the value is too small."""
        return (self.gt is not None and value <= self.gt) or (self.ge is not None and value < self.ge)

    def is_above(self, value: float) -> bool:
        """Whether the value is too large."""
        return (self.lt is not None and value >= self.lt) or (self.le is not None and value > self.le)

    def smallest_int(self) -> int:
        """The smallest whole number >= 1 inside."""
        floors = [1]
        if self.gt is not None:
            floors.append(math.floor(self.gt) + 1)
        if self.ge is not None:
            floors.append(math.ceil(self.ge))
        return max(floors)

    def largest_int(self) -> int | None:
        """The largest whole number inside; None when there is no upper end."""
        ceilings = []
        if self.lt is not None:
            ceilings.append(math.ceil(self.lt) - 1)
        if self.le is not None:
            ceilings.append(math.floor(self.le))
        return min(ceilings, default=None)

    def __str__(self) -> str:
        ends = ((">", self.gt), (">=", self.ge), ("<", self.lt), ("<=", self.le))
        return " and ".join(f"{sign} {value:g}" for sign, value in ends if value is not None) or "anything"


@dataclass(frozen=True)
class ImageLimits:
    """What a model accepts as an image."""

    mimes: tuple[str, ...] = ("image/png", "image/jpeg")
    max_bytes: int | None = None
    """Largest file that is still accepted, bytes."""
    width: Bound = Bound()
    height: Bound = Bound()
    ratio: Bound = Bound()
    """Width over height."""

    @property
    def sentence(self) -> str:
        """The limits for people; empty when there are none but on the file, which is made to fit."""
        sides = [("width", self.width, " px"), ("height", self.height, " px"), ("width / height", self.ratio, "")]
        said = [f"{name} {bound}{unit}" for name, bound, unit in sides if bound != Bound()]
        if self.width == self.height != Bound():
            said[:2] = [f"each side {self.width} px"]
        if said and self.max_bytes is not None:
            said.append(f"file up to {self.max_bytes / 1e6:.3g} MB")
        sentence = ", ".join(said)
        return f"{sentence[0].upper()}{sentence[1:]}." if said else ""


@dataclass(frozen=True)
class Plan:
    """What becomes of a picture, known from sizes alone.

    Args:
        size: its own, px.
        cut: what is left of its middle, px, before anything is scaled.
        target: what is sent, px: that middle fills it, and what stands over at two sides is cut.
        inner: how large the whole picture stands on black in `target`, px; None where it fills it.
        notices: what is changed, for the user.
    """

    size: Size
    cut: Size
    target: Size
    inner: Size | None = None
    notices: tuple[str, ...] = ()

    @property
    def kept(self) -> Box:
        """What is left of the picture, as parts of its width and height."""
        (width, height), (cut_width, cut_height) = self.size, self.cut
        x, y = (width - cut_width) // 2, (height - cut_height) // 2
        box = (0, 0, cut_width, cut_height) if self.inner else _covering(self.cut, self.target)
        return (x + box[0]) / width, (y + box[1]) / height, (x + box[2]) / width, (y + box[3]) / height

    def applied(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """The pixels of a picture of that size, made so: uint8 [H,W,3]."""
        if self.cut != self.size:
            pixels = _centre(pixels, self.cut)
        if self.inner:
            return _on_black(pixels, self.target, self.inner)
        return pixels if self.target == self.cut else _cover(pixels, self.target)


def pixels_of(image: object, name: str = "image") -> NDArray[Any]:
    """An IMAGE as 8-bit pixels: rounded, clipped to 0..1, alpha flattened over white.

    Args:
        image: [1,H,W,C] or [H,W,C], any floating dtype, 0..1, C = 1, 3 or 4; or a file's pixels, uint8 [1,H,W,3],
            for which no torch is needed.
        name: what the input is called in messages.

    Returns:
        uint8 [H,W,3], contiguous.

    Raises:
        InputRefused: not a tensor of that shape, empty, more than one image, NaN or infinite values.
    """
    if isinstance(image, np.ndarray) and image.dtype == np.uint8:
        return np.ascontiguousarray(_one_image(image, name))
    import torch

    if not isinstance(image, torch.Tensor) or not image.is_floating_point():
        raise InputRefused(f"{name} is not an IMAGE (a tensor of floats, 0..1).")
    single = _one_image(image, name).detach().to(device="cpu", dtype=torch.float32)
    low, high = (float(end) for end in torch.aminmax(single))
    if not (math.isfinite(low) and math.isfinite(high)):
        raise InputRefused(
            f"{name} has values that are not numbers (NaN or infinite).",
            next_step="Look at the node that makes the image (often a VAE in half precision), then run again.",
        )
    values = single.clamp(0.0, 1.0)
    if values.shape[-1] == 4:
        alpha = values[..., 3:]
        values = values[..., :3] * alpha + (1.0 - alpha)
    pixels = values.mul_(255.0).add_(0.5).to(torch.uint8)
    if pixels.shape[-1] == 1:
        pixels = pixels.expand(-1, -1, 3)
    return np.ascontiguousarray(pixels.numpy())


def _one_image(image: Any, name: str) -> Any:
    """[H,W,C] out of what an IMAGE socket may hold."""
    if image.ndim == 4:
        if image.shape[0] > 1:
            what = f"{name} holds {image.shape[0]} images; this input takes one."
            raise InputRefused(what, next_step=USE_A_LIST, actions=(Action.LIST,))
        if image.shape[0] == 1:
            image = image[0]
    shape = tuple(image.shape)
    if image.ndim != 3 or 0 in shape:
        raise InputRefused(f"{name} has the shape {list(shape)}; an image has height, width, channels, none of them 0.")
    if shape[2] not in (1, 3, 4):
        raise InputRefused(f"{name} has {shape[2]} channels; an image has 1 (grey), 3 (RGB) or 4 (RGBA).")
    return image


def plan(size: Size, limits: ImageLimits, mode: FitMode, canvas: Size | None = None, name: str = "image") -> Plan:
    """How a picture is made one that the model accepts.

    Args:
        size: its own, px.
        limits: what the model accepts.
        mode: "auto" changes only what the model would refuse; "crop" and "pad" fill the canvas exactly (cut at the
            edges, or black bars); "strict" changes nothing.
        canvas: the model's own width and height, px; without one, "crop" and "pad" act like "auto".
        name: what the input is called in messages.

    Raises:
        InputRefused: "strict" and the model would refuse it, or no size can satisfy the limits.
    """
    if mode == "strict":
        _refuse_misfit(size, limits, name)
        return Plan(size, size, size)
    if mode == "auto" or canvas is None:
        return _plan_auto(size, limits, name)
    if size == canvas:
        return Plan(size, size, size)
    (width, height), to = size, f"{canvas[0]}x{canvas[1]}"
    if mode == "crop":
        return Plan(size, size, canvas, notices=(f"{name}: cropped from {width}x{height} to fill {to}.",))
    return Plan(size, size, canvas, _contained(size, canvas), (f"{name}: {width}x{height} put on black, {to}.",))


def _refuse_misfit(size: Size, limits: ImageLimits, name: str) -> None:
    width, height = size
    for what, value, bound, unit in (
        ("width", width, limits.width, " px"),
        ("height", height, limits.height, " px"),
        ("width/height ratio", width / height, limits.ratio, ""),
    ):
        if not bound.holds(value):
            raise InputRefused(
                f"{name}: its {what} is {value:g}{unit}; the model accepts {bound}{unit}.", next_step=MAKE_IT_FIT
            )


def _plan_auto(size: Size, limits: ImageLimits, name: str) -> Plan:
    notices = []
    width, height = size
    cropped = _ratio_crop(size, limits.ratio)
    if cropped != size:
        notices.append(
            f"{name}: cropped from {width}x{height} to {cropped[0]}x{cropped[1]}; the model accepts a "
            f"width/height ratio {limits.ratio}."
        )
    target = _accepted_size(cropped, limits)
    if target is None:
        raise InputRefused(
            f"{name}: {width}x{height} px can't be made to fit: the model accepts a width {limits.width} px, a height "
            f"{limits.height} px and a width/height ratio {limits.ratio}.",
            next_step="Crop the image to a less extreme shape, then run again.",
        )
    if target != cropped:
        verb = "scaled down" if target[0] * target[1] < cropped[0] * cropped[1] else "scaled up"
        notices.append(
            f"{name}: {verb} from {cropped[0]}x{cropped[1]} to {target[0]}x{target[1]}; the model accepts a width "
            f"{limits.width} px and a height {limits.height} px."
        )
    return Plan(size, cropped, target, notices=tuple(notices))


def _accepted_size(size: Size, limits: ImageLimits) -> Size | None:
    """The nearest size of the same shape (to a pixel) that the limits accept."""
    width, height = size
    scale = min((limits.width.largest_int() or width) / width, (limits.height.largest_int() or height) / height, 1.0)
    if scale == 1.0:
        scale = max(limits.width.smallest_int() / width, limits.height.smallest_int() / height, 1.0)
        scaled = (math.ceil(width * scale - 1e-9), math.ceil(height * scale - 1e-9))
    else:
        scaled = (max(1, round(width * scale)), max(1, round(height * scale)))
    width, height = _ratio_crop(scaled, limits.ratio)
    accepted = limits.width.holds(width) and limits.height.holds(height) and limits.ratio.holds(width / height)
    return (width, height) if accepted else None


def _ratio_crop(size: Size, ratio: Bound) -> Size:
    """The largest centre crop of a size whose width/height ratio lies inside the bound."""
    width, height = size
    if ratio.is_above(width / height):
        end = min(e for e in (ratio.lt, ratio.le) if e is not None)
        width = min(width, math.ceil(end * height))
        while width > 1 and ratio.is_above(width / height):
            width -= 1
    elif ratio.is_below(width / height):
        end = max(e for e in (ratio.gt, ratio.ge) if e is not None)
        height = min(height, math.ceil(width / end))
        while height > 1 and ratio.is_below(width / height):
            height -= 1
    return width, height


def _centre(pixels: NDArray[Any], size: Size) -> NDArray[Any]:
    width, height = size
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return np.ascontiguousarray(pixels[top : top + height, left : left + width])


def _covering(size: Size, target: Size) -> Box:
    """The middle of a picture that has the shape of `target`, px."""
    width, height = size
    scale = max(target[0] / width, target[1] / height)
    used_width, used_height = min(width, target[0] / scale), min(height, target[1] / scale)
    left, top = (width - used_width) / 2, (height - used_height) / 2
    return left, top, left + used_width, top + used_height


def _cover(pixels: NDArray[Any], size: Size) -> NDArray[Any]:
    """Fill a size exactly: scale, cutting what is too much at two sides."""
    box = _covering((pixels.shape[1], pixels.shape[0]), size)
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS, box=box))


def _contained(size: Size, target: Size) -> Size:
    """The size of a whole picture inside `target`, px."""
    width, height = size
    scale = min(target[0] / width, target[1] / height)
    return max(1, min(target[0], round(width * scale))), max(1, min(target[1], round(height * scale)))


def _on_black(pixels: NDArray[Any], size: Size, inner: Size) -> NDArray[Any]:
    """Scale the whole picture to `inner` and put it in the middle of a size; what is left over is black."""
    canvas = np.zeros((size[1], size[0], 3), np.uint8)
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    is_inner = inner == (pixels.shape[1], pixels.shape[0])
    scaled = pixels if is_inner else Image.fromarray(pixels).resize(inner, Image.Resampling.LANCZOS)
    canvas[top : top + inner[1], left : left + inner[0]] = np.asarray(scaled)
    return canvas
