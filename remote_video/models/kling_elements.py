"""People and things whose looks Kling keeps through a clip.

Contract: https://www.runcomfy.com/models/kling/kling-3.0/standard/image-to-video (`elements` of the input schema).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..errors import InputRefused
from ..outside_text import quoted
from .fields import Field
from .fitting import Fitting
from .media_fields import Footage, Picture, in_order
from .runcomfy_limits import ANY_IMAGE, MAX_VIDEO_BYTES

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

ONE_PART = "Connect `frontal_image`, `reference_images` or `video`, then run again."
OTHER_PARTS = "Disconnect it at the Kling 3.0 Element node, then run again."
FROM_ITS_NODE = "Connect a Kling 3.0 Element node to it."
PARTS = ("frontal_image_url", "reference_image_urls", "video_url")
"""What an element holds on the wire."""


@dataclass(frozen=True)
class KlingElement:
    """A person or thing to keep consistent: the value of the KLING_ELEMENT socket. One part is enough.

    Args:
        frontal_image: IMAGE, float `[1, H, W, 3|4]`, 0..1, or a file's pixels, uint8 `[1, H, W, 3]`, or None.
        reference_images: more views, a batch of such `[N, H, W, 3|4]`, or None.
        video_mp4: how it moves, an MP4 file of at most 100 MB, or None.
    """

    frontal_image: torch.Tensor | NDArray[np.uint8] | None = None
    reference_images: torch.Tensor | NDArray[np.uint8] | None = None
    video_mp4: bytes | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it shows nothing."""
        return self.frontal_image is None and self.reference_images is None and self.video_mp4 is None


@dataclass(frozen=True)
class Elements(Field):
    """Elements by the name of their socket, in the order of its numbers."""

    most: int = 3
    required: bool = False
    parts: tuple[str, ...] = PARTS
    """What the model takes of an element."""

    @property
    def limits_text(self) -> str:
        return f"Up to {self.most} of them."

    def check(self, value: object) -> list[object]:
        """See `Field.check`."""
        if not isinstance(value, (Mapping, type(None))):
            raise self.refuse(f"a {type(value).__name__}", "it takes elements", FROM_ITS_NODE)
        elements = in_order(value or {})
        if len(elements) > self.most:
            raise InputRefused(
                f"{len(elements)} elements are connected; the model takes at most {self.most}.",
                next_step=f"Disconnect {len(elements) - self.most} of them.",
            )
        if self.required and not elements:
            raise self.refuse("not connected", "the model needs one", FROM_ITS_NODE)
        return elements

    def write(self, body: dict[str, object], value: object, fitting: Fitting) -> None:
        """See `Field.write`."""
        if value and isinstance(value, list) and self.wire:
            body[self.wire] = [
                self._written(e, f"element {number}", fitting) for number, e in enumerate(value, start=1)
            ]

    def _written(self, element: object, name: str, fitting: Fitting) -> dict[str, object]:
        written = _written(element, name, fitting)
        if unknown := [part for part in written if part not in self.parts]:
            raise InputRefused(f"{name} has {unknown[0]}, which this model doesn't take.", next_step=OTHER_PARTS)
        return written


def _written(element: object, name: str, fitting: Fitting) -> dict[str, object]:
    if not isinstance(element, KlingElement):
        raise InputRefused(f"{name} is {quoted(element)}; it has to come from a Kling 3.0 Element node.")
    if element.is_empty:
        raise InputRefused(f"{name} has neither a frontal_image nor any other part.", next_step=ONE_PART)
    if element.reference_images is not None and element.reference_images.shape[0] == 0:
        raise InputRefused(
            f"The reference images of {name} are an empty batch.",
            next_step="Connect a batch with images in it, or disconnect `reference_images`.",
        )
    front, references, video = PARTS
    body: dict[str, object] = {}
    view = Picture(f"frontal_image of {name}", front, "", required=False, limits=ANY_IMAGE, fills_canvas=False)
    view.write(body, element.frontal_image, fitting)
    views = replace(view, name=f"reference image # of {name}", wire=references, is_list=True, most=None)
    views.write(body, element.reference_images, fitting)
    motion = Footage(f"video of {name}", video, "", required=False, max_bytes=MAX_VIDEO_BYTES)
    motion.write(body, element.video_mp4, fitting)
    return body
