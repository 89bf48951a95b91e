"""What joining takes besides the clips: the node's inputs, and the command line's options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..media.look import LEAST_SIDE, MOST_SIDE, Wish
from ..models.fields import Choice, Field, Number, Text

NODE_ID = "JoinClips"
CUT, CROSSFADE = "cut", "crossfade"
FIRST, OWN = "first", "own"

FIELDS: tuple[Field, ...] = (
    Choice(
        "transition",
        None,
        "The transition from each clip to the next. cut: none. crossfade: one fades into the other, and so does "
        "the sound.",
        choices=(CUT, CROSSFADE),
        default=CUT,
    ),
    Number("transition_s", None, "Length of a crossfade, s.", minimum=0, maximum=2, default=0.5, step=0.1),
    Choice(
        "size",
        None,
        "The film's size. first / largest: that of the first clip, or of the largest. own: `width` and `height`.",
        choices=(FIRST, "largest", OWN),
        default=FIRST,
    ),
    Number(
        "width",
        None,
        "The film's width, px, where `size` is own; even.",
        minimum=LEAST_SIDE,
        maximum=MOST_SIDE,
        default=1280,
        whole=True,
        advanced=True,
    ),
    Number(
        "height",
        None,
        "The film's height, px, where `size` is own; even.",
        minimum=LEAST_SIDE,
        maximum=MOST_SIDE,
        default=720,
        whole=True,
        advanced=True,
    ),
    Choice(
        "fit",
        None,
        "How a clip of another shape fills the film. crop: edges are cut off. pad: black bars are added.",
        choices=("crop", "pad"),
        default="crop",
    ),
    Choice(
        "fps",
        None,
        "The film's frame rate. first: that of the first clip. own: `own_fps`.",
        choices=(FIRST, OWN),
        default=FIRST,
    ),
    Number(
        "own_fps",
        None,
        "Frames per second where `fps` is own.",
        minimum=1,
        maximum=120,
        default=24,
        step=0.001,
        advanced=True,
    ),
    Choice(
        "audio",
        None,
        "The clips' sound. keep: as it is; mute clips get silence. fade at joins: down to silence and up again at each "
        "cut. none: the film is mute.",
        choices=("keep", "fade at joins", "none"),
        default="keep",
    ),
    Text(
        "filename_prefix",
        None,
        "Folder and beginning of the film's name, below ComfyUI's output folder.",
        default=f"video/{NODE_ID}",
        multiline=False,
    ),
)


def read(values: Mapping[str, Any]) -> tuple[Wish, str]:
    """How to join, and the name's beginning; what isn't given is as usual. Raises InputRefused."""
    known: dict[str, Any] = {
        field.name: field.check(values.get(field.name, getattr(field, "default", None))) for field in FIELDS
    }
    wish = Wish(
        transition_s=known["transition_s"] if known["transition"] == CROSSFADE else 0.0,
        size=known["size"],
        width=known["width"] if known["size"] == OWN else 0,
        height=known["height"] if known["size"] == OWN else 0,
        fit=known["fit"],
        fps=known["own_fps"] if known["fps"] == OWN else 0.0,
        audio=known["audio"],
    )
    return wish, known["filename_prefix"] or f"video/{NODE_ID}"
