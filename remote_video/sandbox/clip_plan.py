"""What clip a job will get: size, length, shots and sound, decided when the job is accepted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .submitted import Submitted

FPS = 24
Size = tuple[int, int]
LANDSCAPE, PORTRAIT = (1280, 720), (720, 1280)
SHORT_WIDTH, SHORT_FRAMES = 320, 12
USUAL_S, LONGEST_S = 5.0, 60.0
LEAST_SIDE, MOST_SIDE = 64, 1920
PAIR = re.compile(r"(\d+(?:\.\d+)?)\s*[:x*/_]\s*(\d+(?:\.\d+)?)")
"""A ratio such as 16:9, or a size such as 1280x720."""
LINES = re.compile(r"(\d{3,4})p|([1-8])k", re.IGNORECASE)
"""The short side: 720p, or 2K, in thousands."""
LARGEST_RATIO = 100
SHAPE, LENGTH = re.compile("ratio|resolution|size", re.IGNORECASE), re.compile("duration|seconds", re.IGNORECASE)
COUNT = re.compile("(num_)?frames|frame_count")
SOUND, KEPT, LAST = re.compile("audio|sound", re.IGNORECASE), re.compile("keep|original"), re.compile("end_|last|tail")
NUMBER = re.compile(r"\d+(\.\d+)?")


@dataclass(frozen=True)
class ClipPlan:
    """Everything the renderer needs besides the images. Sizes in px, `shots` in frames, 24 frames a second."""

    label: str
    width: int
    height: int
    shots: tuple[int, ...]
    sound: bool
    prompt: str
    images: tuple[str, ...] = ()
    """File names: none makes a gradient, one a push-in, two a cross-fade, more a shot each."""
    picture: bool = False
    """A picture is made and no clip."""

    @property
    def frames(self) -> int:
        return sum(self.shots)

    @property
    def file_name(self) -> str:
        return "picture.png" if self.picture else "clip.mp4"

    def shortened(self) -> ClipPlan:
        """Half a second at 320 px, with the same shots: for tests that need a clip and not its looks."""
        height = max(2 * round(SHORT_WIDTH * self.height / self.width / 2), LEAST_SIDE)
        ends = [SHORT_FRAMES * (index + 1) // len(self.shots) for index in range(len(self.shots))]
        lengths = tuple(end - start for start, end in zip([0, *ends], ends, strict=False))
        return replace(self, width=SHORT_WIDTH, height=height, shots=lengths)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> ClipPlan:
        return cls(**{**stored, "shots": tuple(stored["shots"]), "images": tuple(stored["images"])})


def plan_of(
    name: str,
    inputs: Mapping[str, Any],
    files: Mapping[str, Submitted],
    *,
    told: Iterable[str] = (),
    own: Mapping[str, Any] | None = None,
    picture: bool = False,
) -> ClipPlan:
    """The clip of any model, read from its inputs by what they are called.

    Args:
        name: of the model, for the badge.
        inputs: with their defaults, media as file names.
        files: the media, by those names.
        told: words of the model's id, which may name a resolution.
        own: what no input says: "seconds", and "sizes" to choose from.
        picture: whether it makes one, and no clip.
    """
    own = own or {}
    shown = sorted((key for key, file in files.items() if file.still), key=lambda key: bool(LAST.search(key)))
    images = tuple(files[key].shown_as(key) for key in shown)
    seen = files[shown[0]] if shown else None
    size = _size(inputs, (seen.width, seen.height) if seen else None, told)
    if sizes := own.get("sizes"):
        size = nearest(size, sizes)
    shots = (1,) if picture else _shots(inputs, files, own.get("seconds"))
    if len(shots) == 1 and len(shown) > 2 and not picture:
        shots = tuple(shots[0] * (i + 1) // len(shown) - shots[0] * i // len(shown) for i in range(len(shown)))
    return ClipPlan(name, *size, shots, _has_sound(inputs, files), prompt_in(inputs), images, picture)


def comet_veo(prompt: str, size: str, model: str, images: tuple[str, ...]) -> ClipPlan:
    """Eight seconds with sound; `size` is 16x9 or 9x16."""
    width, height = PORTRAIT if size == "9x16" else LANDSCAPE
    return ClipPlan(f"CometAPI {model}", width, height, (8 * FPS,), True, prompt, images)


def prompt_in(inputs: Mapping[str, Any]) -> str:
    """The words a clip is made of: the first text that is called a prompt, else the first text that is called one."""
    texts = {name.lower(): value for name, value in inputs.items() if isinstance(value, str)}
    for word in ("prompt", "text"):
        for name, value in texts.items():
            if word in name and not name.startswith("negative"):
                return value
    return ""


def words_in(value: Any) -> str:
    """Every text in the inputs."""
    if isinstance(value, str):
        return value
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return "\n".join(map(words_in, inner))


def nearest(size: Size, choices: Iterable[Any]) -> Size:
    """The choice whose width / height is nearest to that of `size`."""
    ratio = size[0] / size[1]
    width, height = min(choices, key=lambda c: max(c[0] / c[1] / ratio, ratio * c[1] / c[0]))
    return width, height


def _size(inputs: Mapping[str, Any], seen: Size | None, told: Iterable[str]) -> Size:
    """By width and height, else by a ratio, a size or a resolution in words, else as what was sent, else 16:9, 720p."""
    shape: tuple[float, float] = seen or LANDSCAPE
    short = float(min(LANDSCAPE))
    texts = [value for name, value in inputs.items() if SHAPE.search(name) and isinstance(value, str)]
    for text in (*told, *texts):
        if lines := LINES.fullmatch(text):
            short = float(lines[1] or 1000 * int(lines[2]))
    pairs = [(float(pair[1]), float(pair[2])) for pair in map(PAIR.search, texts) if pair]
    if _whole(inputs.get("width")) and _whole(inputs.get("height")):
        pairs.append((inputs["width"], inputs["height"]))
    for pair in pairs:
        if min(pair) > 0:
            shape, short = pair, min(pair) if min(pair) > LARGEST_RATIO else short
    scale = min(short / min(shape), MOST_SIDE / max(shape))
    return _even(shape[0] * scale), _even(shape[1] * scale)


def _shots(inputs: Mapping[str, Any], files: Mapping[str, Submitted], usual_s: float | None) -> tuple[int, ...]:
    """The shots' lengths, frames: what is asked for, else as long as what was sent, else the usual."""
    for value in inputs.values():
        if isinstance(value, list) and value and all(isinstance(one, Mapping) and "duration" in one for one in value):
            return tuple(_frames(_seconds(one["duration"]) or USUAL_S) for one in value)
    asked = next((s for name, value in inputs.items() if LENGTH.search(name) and (s := _seconds(value))), None)
    count = next((value for name, value in inputs.items() if COUNT.fullmatch(name) and _whole(value)), None)
    if asked is None and count is not None:
        return (min(count, _frames(LONGEST_S)),)
    sent = next((file.seconds for file in files.values() if file.seconds), None)
    return (_frames(asked or usual_s or sent or USUAL_S),)


def _has_sound(inputs: Mapping[str, Any], files: Mapping[str, Submitted]) -> bool:
    kinds = {file.mime.partition("/")[0] for file in files.values()}
    asked = (name for name, value in inputs.items() if value is True and SOUND.search(name))
    return "audio" in kinds or any("video" in kinds or not KEPT.search(name) for name in asked)


def _seconds(value: Any) -> float | None:
    number = NUMBER.match(str(value))
    return float(number[0]) or None if number else None


def _frames(seconds: float) -> int:
    return max(round(min(seconds, LONGEST_S) * FPS), 1)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _even(side: float) -> int:
    return max(2 * round(side / 2), LEAST_SIDE)
