"""What clip a job will get: size, length, shots and sound, decided when the job is accepted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

FPS = 24
Size = tuple[int, int]
LANDSCAPE: Size = (1280, 720)
PORTRAIT: Size = (720, 1280)
KLING_SIZES: tuple[Size, ...] = (LANDSCAPE, PORTRAIT, (960, 960))
DREAMINA_SIZES: tuple[Size, ...] = (
    (1920, 1088),
    (1664, 1248),
    (1440, 1440),
    (1248, 1664),
    (1088, 1920),
    (2176, 928),
)
SHORT_WIDTH = 320
SHORT_FRAMES = 12


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
    """File names: none makes a gradient, one a push-in, two a cross-fade."""

    @property
    def frames(self) -> int:
        return sum(self.shots)

    def shortened(self) -> ClipPlan:
        """Half a second at 320 px, with the same shots: for tests that need a clip and not its looks."""
        height = 2 * round(SHORT_WIDTH * self.height / self.width / 2)
        ends = [SHORT_FRAMES * (index + 1) // len(self.shots) for index in range(len(self.shots))]
        lengths = tuple(end - start for start, end in zip([0, *ends], ends, strict=False))
        return replace(self, width=SHORT_WIDTH, height=height, shots=lengths)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> ClipPlan:
        return cls(**{**stored, "shots": tuple(stored["shots"]), "images": tuple(stored["images"])})


def nearest(size: Size, choices: tuple[Size, ...]) -> Size:
    """The choice whose width / height is nearest to that of `size`."""
    ratio = size[0] / size[1]
    return min(choices, key=lambda c: max(c[0] / c[1] / ratio, ratio * c[1] / c[0]))


def _upright(size: Size) -> Size:
    return PORTRAIT if size[1] > size[0] else LANDSCAPE


def veo3(inputs: Mapping[str, Any], size: Size, image: str) -> ClipPlan:
    return ClipPlan("Veo 3", *_upright(size), (8 * FPS,), inputs["generateAudio"], inputs["prompt"], (image,))


def runway(inputs: Mapping[str, Any], size: Size, image: str) -> ClipPlan:
    width, height = (int(side) for side in inputs["ratio"].split(":"))
    frames = inputs["duration"] * FPS
    return ClipPlan("Runway Gen-3 Turbo", width, height, (frames,), False, inputs["promptText"], (image,))


def kling3(inputs: Mapping[str, Any], size: Size, image: str) -> ClipPlan:
    shots = tuple(shot["duration"] * FPS for shot in inputs.get("multi_prompt") or ())
    shots = shots or (inputs["duration"] * FPS,)
    width, height = nearest(size, KLING_SIZES)
    return ClipPlan("Kling 3.0 Standard", width, height, shots, inputs["generate_audio"], inputs["prompt"], (image,))


def dreamina3(inputs: Mapping[str, Any], size: Size, image: str) -> ClipPlan:
    width, height = nearest(size, DREAMINA_SIZES)
    return ClipPlan("Dreamina 3.0 Pro", width, height, (inputs["frames"],), False, inputs["prompt"], (image,))


def comet_veo(prompt: str, size: str, model: str, images: tuple[str, ...]) -> ClipPlan:
    """Eight seconds with sound; `size` is 16x9 or 9x16."""
    width, height = PORTRAIT if size == "9x16" else LANDSCAPE
    return ClipPlan(f"CometAPI {model}", width, height, (8 * FPS,), True, prompt, images)


RUNCOMFY_PLANS: Mapping[str, Callable[[Mapping[str, Any], Size, str], ClipPlan]] = {
    "google-deepmind/veo-3/image-to-video": veo3,
    "runwayml/runway-gen-3-alpha/turbo/image-to-video": runway,
    "kling/kling-3.0/standard/image-to-video": kling3,
    "bytedance/dreamina-3-0/pro/image-to-video": dreamina3,
}
