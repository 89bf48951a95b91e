"""A model as data, and how a request is built from a node's values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from ..errors import InputRefused
from ..media.fit import FitMode
from ..outside_text import code, quoted
from .fields import Field, Seed, Values
from .fitting import Fitting, Size
from .media_fields import MediaField
from .request import Request

BESIDE_THE_FIELDS = ("fit", "files", "seed")
"""What a request is made from besides the model's own inputs."""


class ModelSpec:
    """What one model accepts, and where it is asked: to be derived from."""

    node_id: str
    """The node that offers it."""
    name: str
    """What people call it."""
    provider: str
    """"runcomfy" or "cometapi"."""
    model_id: str
    """The provider's id."""
    fields: tuple[Field, ...]
    """Its inputs, in the node's order."""
    schema: Mapping[str, object] | None = None
    """The published input schema it was read from; None when it was made by hand."""
    length_inputs: tuple[str, ...] = ()
    """Those that say how long the clip will be."""
    shape_inputs: tuple[str, ...] = ()
    """Those that say which shape it will have."""

    # -- what a model may say otherwise ------------------------------------------------------------------------------

    def canvas(self, values: Values, size: Size) -> Size | None:
        """The size it renders at, px, from the values and an image's own size; None: the image's own."""
        return None

    def clip_seconds(self, values: Values) -> float | None:
        """How long the clip will be, s; None if unknown."""
        return None

    def check_together(self, values: Values) -> None:
        """Raise InputRefused for what concerns several fields at once."""
        for field in self.fields:
            field.agree(values)

    def settle(self, values: Values) -> dict[str, object]:
        """Choose what the artist left to us ("auto"); the values it replaces."""
        return {}

    def body(self, values: Values, fitting: Fitting) -> dict[str, object]:
        """The provider's input object, from checked values. Raises InputRefused."""
        body: dict[str, object] = {}
        for field in self.fields:
            field.write(body, values.get(field.name), fitting)
        return body

    def asked_of(self, body: Values) -> str | None:
        """The model that a request names, where one route serves several."""
        return None

    # -- the same for all --------------------------------------------------------------------------------------------

    @property
    def seed(self) -> Seed:
        """The field that tells takes apart: every model has one."""
        return next(field for field in self.fields if isinstance(field, Seed))

    def request(self, values: Values, fitting: type[Fitting] = Fitting) -> Request:
        """Check and fit what the node was given.

        Args:
            values: by input name; IMAGE tensors as they came, `fit` and `seed` among them. A field that is
                absent takes its default. `files`: by input name, the SHA-256 of the file an image is, where known.
            fitting: how its images are made to fit.

        Raises:
            InputRefused: the contract would be broken; nothing has been sent.
        """
        try:
            return self._request(values, fitting)
        except InputRefused as refusal:
            what = f"{self.name}: {refusal.what}"
            raise InputRefused(what, next_step=refusal.next_step, actions=refusal.actions) from None

    def _request(self, values: Values, fitting_of: type[Fitting]) -> Request:
        self._refuse_unknown(values)
        checked = self._checked(values)
        self.check_together({**values, **checked})
        checked.update(self.settle({**values, **checked}))
        mode: FitMode = "auto" if values.get("fit") is None else values["fit"]
        if not isinstance(mode, str) or mode not in get_args(FitMode):
            raise InputRefused(f"`fit` is {quoted(mode)}; it can be {', '.join(get_args(FitMode))}.")
        fitting = fitting_of(mode, lambda size: self.canvas(checked, size), values.get("files"))
        fitting.notices += [notice for f in self._plain() if (notice := _notice(f, values))]
        return Request(
            self,
            self.body({**values, **checked}, fitting),
            int(checked["seed"]),
            tuple(fitting.notices),
            fitting.sources,
            mode,
            seconds=self.clip_seconds(checked),
            plans=fitting.plans,
            canvas=self.canvas(checked, fitting.first or (1, 1)),
        )

    def _refuse_unknown(self, values: Values) -> None:
        known = [field.name for field in self.fields]
        unknown = [name for name, value in values.items() if value is not None and name not in known]
        if wrong := [name for name in unknown if name not in BESIDE_THE_FIELDS]:
            raise InputRefused(
                f"It was given `{code(wrong[0])[:80]}`, and has no such input.",
                next_step=f"It takes {', '.join(known)}. Remove what is too much, or create the node again.",
            )

    def problem(self, values: Values) -> str | None:
        """What is wrong with the literal values known so far (queue time); None when nothing can be said."""
        try:
            for field in self._plain():
                if values.get(field.name) is not None:
                    field.check(values[field.name])
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
        return [f for f in self.fields if not isinstance(f, MediaField)]


def _notice(field: Field, values: Values) -> str | None:
    value = values.get(field.name)
    return None if value is None else field.notice(value)


def by_orientation(size: Size, landscape: Size, portrait: Size) -> Size:
    """A canvas that follows the image: wide images get `landscape`, tall ones `portrait`, px."""
    return portrait if size[1] > size[0] else landscape


def nearest_ratio(size: Size, *canvases: Size) -> Size:
    """The canvas whose width/height is nearest to the image's."""
    ratio = size[0] / size[1]
    return min(canvases, key=lambda c: max(c[0] / c[1] / ratio, ratio * c[1] / c[0]))
