"""Kling 3.0 Standard, image to video, on RunComfy: one shot or several, with elements that keep their looks.

Contract: https://www.runcomfy.com/models/kling/kling-3.0/standard/image-to-video (published input
schema). Shots last at least 3 s each and add up to `duration`, at most 15 s: five shots at the most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InputRefused
from ..outside_text import quoted
from .fields import Choice, Flag, Number, Picture, Text, seed_field
from .request import Image, Video
from .runcomfy_limits import ANY_IMAGE, MAX_VIDEO_BYTES
from .spec import ModelSpec, Values, nearest_ratio

MIN_SHOT_S, MAX_CLIP_S = 3, 15
MAX_SHOTS = MAX_CLIP_S // MIN_SHOT_S
MAX_ELEMENTS = 3
ONE_PART = "Connect `frontal_image`, `reference_images` or `video`, then run again."
SHOT_COUNTS = ("off", *(f"{n} shots" for n in range(2, MAX_SHOTS + 1)))

DURATION = Number(
    "duration",
    "duration",
    "Length of the clip, s; with several shots, their durations must add up to it.",
    minimum=MIN_SHOT_S,
    maximum=MAX_CLIP_S,
    default=10,
    whole=True,
)


def shot_prompt(number: int) -> Text:
    """The prompt of one shot."""
    return Text(f"shot_{number}_prompt", None, f"What happens in shot {number}.", required=True)


def shot_duration(number: int) -> Number:
    """The length of one shot, s."""
    return Number(
        f"shot_{number}_duration",
        None,
        f"Length of shot {number}, s. All shots together must last as long as `duration`.",
        minimum=MIN_SHOT_S,
        maximum=MAX_CLIP_S,
        default=5,
        whole=True,
    )


@dataclass(frozen=True)
class KlingElement:
    """A person or thing whose looks are to be kept: what the KLING_ELEMENT socket carries. One part is enough.

    Args:
        frontal_image: IMAGE, float `[1, H, W, 3|4]`, 0..1, or None.
        reference_images: more views, IMAGE batch `[N, H, W, 3|4]`, or None.
        video_mp4: how it moves, an MP4 file of at most 100 MB, or None.
    """

    frontal_image: Any = None
    reference_images: Any = None
    video_mp4: bytes | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it shows nothing."""
        return self.frontal_image is None and self.reference_images is None and self.video_mp4 is None


def shots_of(values: Values) -> list[dict[str, Any]]:
    """The shots as the wire has them, checked one by one; empty when multi-shot is off."""
    given, shots = _given_shots(values), []
    count = _shot_count(given)
    for number in range(1, count + 1):
        prompt, duration = shot_prompt(number), shot_duration(number)
        seconds = given.get(duration.name)
        shots.append(
            {
                "prompt": prompt.check(given.get(prompt.name)),
                "duration": duration.check(duration.default if seconds is None else seconds),
            }
        )
    return shots


def _given_shots(values: Values) -> Mapping[str, Any]:
    choice = values.get("multi_shot")
    return choice if isinstance(choice, Mapping) else {"multi_shot": choice}


def _shot_count(given: Mapping[str, Any]) -> int:
    choice, listed = given.get("multi_shot"), ", ".join(SHOT_COUNTS)
    written = [name for name, value in given.items() if value is not None]
    if choice is None and not written:
        return 0
    if choice not in SHOT_COUNTS:
        found = f"missing, though there is `{written[0]}`" if choice is None else quoted(choice)
        raise InputRefused(f"`multi_shot` is {found}; it can be {listed}.", next_step=f"Choose one of {listed}.")
    return 0 if choice == "off" else int(str(choice).split()[0])


def _rule(values: Values) -> None:
    shots, duration = shots_of(values), values["duration"]
    total = sum(shot["duration"] for shot in shots)
    if shots and total != duration:
        miss = f"{abs(total - duration)} s too {'long' if total > duration else 'short'}"
        raise InputRefused(
            f"The shots last {' + '.join(str(s['duration']) for s in shots)} = {total} s together, "
            f"but `duration` is {duration} s: they are {miss}.",
            next_step=f"Change the shots, or set `duration` to {total}."
            if MIN_SHOT_S <= total <= MAX_CLIP_S
            else f"Shorten the shots: a clip lasts at most {MAX_CLIP_S} s.",
        )


def _early_rule(values: Values) -> None:
    count = _shot_count(_given_shots(values))
    if count * MIN_SHOT_S > values["duration"]:
        raise InputRefused(
            f"{count} shots of at least {MIN_SHOT_S} s each don't fit into `duration` {values['duration']} s.",
            next_step=f"Set `duration` to {count * MIN_SHOT_S} or more, or use fewer shots.",
        )


def _shots_and_elements(values: Values, fitted: Callable[[Any, Picture], Image]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    shots = shots_of(values)
    if shots:
        body["multi_prompt"] = shots
    given = values.get("elements") or {}
    if not isinstance(given, Mapping):
        raise InputRefused(f"`elements` is {quoted(given)}.", next_step="Connect Kling 3.0 Element nodes to it.")
    elements = [element for _, element in sorted(given.items()) if element is not None]
    if len(elements) > MAX_ELEMENTS:
        raise InputRefused(
            f"{len(elements)} elements are connected; the model takes at most {MAX_ELEMENTS}.",
            next_step=f"Disconnect {len(elements) - MAX_ELEMENTS} of them.",
        )
    if elements:
        body["elements"] = [_element(e, f"element {i}", fitted) for i, e in enumerate(elements, start=1)]
    return body


def _element(element: KlingElement, name: str, fitted: Callable[[Any, Picture], Image]) -> dict[str, Any]:
    def view(tensor: Any, label: str) -> Image:
        return fitted(tensor, Picture(f"{label} of {name}", None, "", ANY_IMAGE, fills_canvas=False))

    if not isinstance(element, KlingElement):
        raise InputRefused(f"{name} is {quoted(element)}; it has to come from a Kling 3.0 Element node.")
    if element.is_empty:
        raise InputRefused(f"There is no frontal_image of {name}, and no other part of it.", next_step=ONE_PART)
    body: dict[str, Any] = {}
    if element.frontal_image is not None:
        body["frontal_image_url"] = view(element.frontal_image, "frontal_image")
    if element.reference_images is not None:
        references = element.reference_images
        references = references[None] if references.ndim == 3 else references
        if references.shape[0] == 0:
            raise InputRefused(
                f"The reference images of {name} are an empty batch.",
                next_step="Connect a batch with images in it, or disconnect `reference_images`.",
            )
        body["reference_image_urls"] = [
            view(references[i : i + 1], f"reference image {i + 1}") for i in range(references.shape[0])
        ]
    if element.video_mp4 is not None:
        if len(element.video_mp4) > MAX_VIDEO_BYTES:
            raise InputRefused(
                f"The video of {name} is {len(element.video_mp4):,} bytes as MP4; "
                f"the provider takes at most {MAX_VIDEO_BYTES:,}.",
                next_step="Trim or shrink the video and run again.",
            )
        body["video_url"] = Video(element.video_mp4)
    return body


KLING3 = ModelSpec(
    node_id="Kling3I2V",
    name="Kling 3.0 Standard",
    provider="runcomfy",
    model_id="kling/kling-3.0/standard/image-to-video",
    fields=(
        Picture("image", "start_image_url", "The first frame.", ANY_IMAGE),
        Text("prompt", "prompt", "What happens in the clip, or, with several shots, what they share.", required=True),
        Text("negative_prompt", "negative_prompt", "What must not be seen."),
        DURATION,
        Flag("generate_audio", "generate_audio", "Also make the sound.", default=True),
        Number(
            "cfg_scale",
            "cfg_scale",
            "How closely the clip keeps to the prompt: 0 is free, 1 is strict (no unit).",
            minimum=0,
            maximum=1,
            default=0.5,
            step=0.05,
        ),
        Choice(
            "shot_type",
            "shot_type",
            "How shots are planned; the model knows only `customize`: as written here.",
            choices=("customize",),
            default="customize",
        ),
        seed_field(None),
    ),
    canvas=nearest_ratio((1280, 720), (720, 1280), (960, 960)),
    rule=_rule,
    early_rule=_early_rule,
    rest=_shots_and_elements,
    clip_seconds=lambda values: float(values["duration"]),
)
