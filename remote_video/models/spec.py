"""A model as data, and how a request is built from a node's values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InputRefused
from ..media.fit import FitMode, fit, pixels_of
from .fields import Field, Picture
from .request import Image, Request

Size = tuple[int, int]
"""Width and height, px."""
Values = Mapping[str, Any]


def _no_canvas(values: Values, size: Size) -> Size | None:
    return None


def _no_rule(values: Values) -> None:
    return None


def _as_chosen(values: Values) -> dict[str, Any]:
    return {}


def _nothing_more(values: Values, fitted: Callable[[Any, Picture], Image]) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class ModelSpec:
    """What one model accepts, and where it is asked.

    Args:
        node_id: the node that offers it.
        name: what people call it.
        provider: "runcomfy" or "cometapi".
        model_id: the provider's id.
        fields: its inputs, in the node's order; those with a wire name are sent under it.
        canvas: the size the model renders at, px, from the values and the image's own size; None: the image's own.
        rule: raises InputRefused for what concerns several fields at once.
        early_rule: the part of `rule` that widget values alone can break (queue time).
        settle: chooses what the artist left to us ("auto"); returns the values it replaces.
        rest: the part of the body that isn't one field under one name (shots, elements, lists of images).
        schema: the published input schema it was read from; None when it was written by hand.
        clip_seconds: how long the clip will be, s.
    """

    node_id: str
    name: str
    provider: str
    model_id: str
    fields: tuple[Field, ...]
    clip_seconds: Callable[[Values], float]
    canvas: Callable[[Values, Size], Size | None] = _no_canvas
    rule: Callable[[Values], None] = _no_rule
    early_rule: Callable[[Values], None] = _no_rule
    settle: Callable[[Values], dict[str, Any]] = _as_chosen
    rest: Callable[[Values, Callable[[Any, Picture], Image]], dict[str, Any]] = _nothing_more
    schema: Mapping[str, Any] | None = None

    def field(self, name: str) -> Any:
        """The field of that name. Raises KeyError."""
        for candidate in self.fields:
            if candidate.name == name:
                return candidate
        raise KeyError(name)

    def request(self, values: Values) -> Request:
        """Check and fit what the node was given.

        Args:
            values: by input name; IMAGE tensors as they came, `fit` and `seed` among them. A field that is
                absent takes its default. `files`: by input name, the SHA-256 of the file an image is, where known.

        Raises:
            InputRefused: the contract would be broken; nothing has been sent.
        """
        try:
            return self._request(values)
        except InputRefused as refusal:
            raise InputRefused(f"{self.name}: {refusal.what}", next_step=refusal.next_step) from None

    def _request(self, values: Values) -> Request:
        checked = self._checked(values)
        self.rule({**values, **checked})
        checked.update(self.settle({**values, **checked}))
        mode: FitMode = values.get("fit") or "auto"
        given = ((f, values.get(f.name)) for f in self._plain())
        notices = [notice for f, value in given if value is not None and (notice := f.notice(value))]

        files: list[str | None] = []

        def fitted(tensor: Any, picture: Picture) -> Image:
            pixels = pixels_of(tensor, picture.name)
            height, width = pixels.shape[:2]
            canvas = self.canvas(checked, (width, height)) if picture.fills_canvas else None
            result = fit(pixels, picture.limits, mode, canvas, picture.name)
            notices.extend(result.notices)
            files.append((values.get("files") or {}).get(picture.name))
            return Image.of(result.pixels, picture.limits, lossless=mode == "strict")

        body = {f.wire: checked[f.name] for f in self._plain() if f.wire and checked[f.name] != ""}
        for picture in self._pictures():
            tensor = values.get(picture.name)
            if tensor is None and picture.required:
                raise picture.refuse("not connected", "the model needs one", f"Connect an IMAGE to `{picture.name}`.")
            if tensor is not None and picture.wire:
                body[picture.wire] = fitted(tensor, picture)
        body.update(self.rest({**values, **checked}, fitted))
        known = tuple(file for file in files if file is not None)
        sources = known if len(known) == len(files) else ()
        return Request(self, body, int(checked["seed"]), tuple(notices), sources, mode)

    def problem(self, values: Values) -> str | None:
        """What is wrong with the literal values known so far (queue time); None when nothing can be said."""
        try:
            known = {f.name: f.check(values[f.name]) for f in self._plain() if values.get(f.name) is not None}
            if all(f.name in known for f in self._plain()):
                self.early_rule({**values, **known})
        except InputRefused as refusal:
            return f"{refusal.what} {refusal.next_step}"
        return None

    def _checked(self, values: Values) -> dict[str, Any]:
        checked = {}
        for plain in self._plain():
            value = values.get(plain.name)
            checked[plain.name] = plain.check(getattr(plain, "default", None) if value is None else value)
        return checked

    def _plain(self) -> list[Field]:
        return [f for f in self.fields if not isinstance(f, Picture)]

    def _pictures(self) -> list[Picture]:
        return [f for f in self.fields if isinstance(f, Picture)]


def by_orientation(landscape: Size, portrait: Size) -> Callable[[Values, Size], Size]:
    """A canvas that follows the image: wide images get `landscape`, tall ones `portrait`, px."""

    def canvas(values: Values, size: Size) -> Size:
        return portrait if size[1] > size[0] else landscape

    return canvas


def nearest_ratio(*canvases: Size) -> Callable[[Values, Size], Size]:
    """The canvas whose width/height is nearest to the image's."""

    def canvas(values: Values, size: Size) -> Size:
        ratio = size[0] / size[1]
        return min(canvases, key=lambda c: max(c[0] / c[1] / ratio, ratio * c[1] / c[0]))

    return canvas
