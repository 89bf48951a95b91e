"""Making the images of one request fit its model, and keeping what there is to say about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..media.fit import FitMode, ImageLimits, Plan, pixels_of, plan
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
        self.plans: dict[str, Plan] = {}
        """What becomes of each, by name."""
        self.first: Size | None = None
        """The size of the first that fills the canvas, px."""
        self._canvas = canvas
        self._files = files or {}
        self._sources: list[str | None] = []

    def image(self, given: object, name: str, limits: ImageLimits, *, fills_canvas: bool) -> Image:
        """An IMAGE, or a file's pixels, within the limits, called `name` in messages. Raises InputRefused."""
        pixels = pixels_of(given, name)
        made = self.planned((pixels.shape[1], pixels.shape[0]), name, limits, fills_canvas=fills_canvas)
        self.notices.extend(made.notices)
        self.came_from(name)
        return Image.of(made.applied(pixels), limits, lossless=self.mode == "strict")

    def planned(self, size: Size, name: str, limits: ImageLimits, *, fills_canvas: bool) -> Plan:
        """What becomes of an image of that size, px; it is kept. Raises InputRefused."""
        if fills_canvas and self.first is None:
            self.first = size
        canvas = self._canvas(size) if fills_canvas else None
        self.plans[name] = plan(size, limits, self.mode, canvas, name)
        return self.plans[name]

    def came_from(self, name: str) -> None:
        """Take note of the file that the next image is."""
        self._sources.append(self._files.get(name))

    @property
    def sources(self) -> tuple[str, ...]:
        """The files of all images, in order; empty unless that is known of every one."""
        known = tuple(source for source in self._sources if source is not None)
        return known if len(known) == len(self._sources) else ()
