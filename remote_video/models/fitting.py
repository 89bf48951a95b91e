"""Making the images of one request fit its model, and keeping what there is to say about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..media.fit import FitMode, ImageLimits, fit, pixels_of
from .request import Image

Size = tuple[int, int]
"""Width and height, px."""


class Fitting:
    """What is done to the images of one request.

    Args:
        mode: what may be done.
        canvas: the size the model renders at, px, from an image's own; None: the image's own.
        files: the SHA-256 of the file an image is, hex, by the name of its input, where that is known.
    """

    def __init__(
        self, mode: FitMode, canvas: Callable[[Size], Size | None], files: Mapping[str, str | None] | None
    ) -> None:
        self.mode = mode
        self.notices: list[str] = []
        """What was changed, for the user."""
        self._canvas = canvas
        self._files = files or {}
        self._sources: list[str | None] = []

    def image(self, tensor: Any, name: str, limits: ImageLimits, *, fills_canvas: bool) -> Image:
        """An IMAGE tensor within the limits, called `name` in messages. Raises InputRefused."""
        pixels = pixels_of(tensor, name)
        height, width = pixels.shape[:2]
        canvas = self._canvas((width, height)) if fills_canvas else None
        result = fit(pixels, limits, self.mode, canvas, name)
        self.notices.extend(result.notices)
        self.came_from(name)
        return Image.of(result.pixels, limits, lossless=self.mode == "strict")

    def came_from(self, name: str) -> None:
        """Take note of the file that the next image is."""
        self._sources.append(self._files.get(name))

    @property
    def sources(self) -> tuple[str, ...]:
        """The files of all images, in order; empty unless that is known of every one."""
        known = tuple(source for source in self._sources if source is not None)
        return known if len(known) == len(self._sources) else ()
