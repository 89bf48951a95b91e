"""The node for every model in API format: each model of the snapshot, every socket of it wired to a real source."""

from __future__ import annotations

from typing import Any

from remote_video_pack.remote_video.catalogue.catalogue import snapshot
from remote_video_pack.remote_video.catalogue.model import CatalogueModel, video_models
from remote_video_pack.remote_video.models.fields import Choice, Field, Flag, Number, Text
from remote_video_pack.remote_video.models.groups import Json, Repeated
from remote_video_pack.remote_video.models.kling_elements import Elements
from remote_video_pack.remote_video.models.media_fields import Footage, MediaField, Picture

from .prompts import Prompt, node

MODELS = video_models(snapshot())
SOURCES: Prompt = {
    "image": node("LoadImage", image="example.png"),
    "still": node("EmptyImage", width=640, height=480, batch_size=1, color=0),
    "frames": node("EmptyImage", width=320, height=180, batch_size=50, color=255),
    "video": node("CreateVideo", images=["frames", 0], fps=25.0),
    "sound": node("EmptyAudio", duration=2.0, sample_rate=44100, channels=1),
    "element": node("Kling3Element", frontal_image=["image", 0]),
}


def sockets(field: Field) -> dict[str, list[str]]:
    """The sockets of a field, two where it takes several, and the kind of source of each."""
    if isinstance(field, Elements):
        return {f"{field.name}.element_{n}": ["element", "element"][n : n + 1] for n in range(2)}
    kind = {Picture: "image", Footage: "video"}.get(type(field), "sound")
    if not isinstance(field, MediaField):
        return {}
    if not field.takes_several:
        return {field.name: [kind]}
    one = field.name if field.is_numbered else field.name.removesuffix("s")
    second = "still" if kind == "image" else kind
    return {f"{field.name}.{one}_1": [kind], f"{field.name}.{one}_2": [second]}


def own_values(model: CatalogueModel) -> dict[str, Any]:
    """A value for each widget of a model, another than its default where it has another."""
    values: dict[str, Any] = {}
    for field in model.own:
        if isinstance(field, Choice):
            values[field.name] = field.choices[-1]
        elif isinstance(field, Flag):
            values[field.name] = not field.default if field.default is not None else "true"
        elif isinstance(field, Number):
            values[field.name] = 6 if field.whole and field.maximum > 6 else field.maximum
        elif isinstance(field, Json):
            values[field.name] = '[{"at": 1}]'
        elif isinstance(field, Text):
            values[field.name] = "words"
        elif isinstance(field, Repeated):
            values[field.name] = next(name for name, count in field.counts.items() if count == 2)
            for number in (1, 2):
                values[f"{field.name}.{field.one}_{number}_prompt"] = f"shot {number}"
                values[f"{field.name}.{field.one}_{number}_duration"] = 3
    return values


def wired(model: CatalogueModel) -> dict[str, list[Any]]:
    """A wire for each socket of a model."""
    return {name: [kind, 0] for field in model.own for name, (kind,) in sockets(field).items()}


def whole_prompt(model_id: str, **inputs: Any) -> Prompt:
    """The node "clip" with every input of a model given, and what feeds it."""
    model = MODELS[model_id]
    own = {f"model.{name}": value for name, value in {**own_values(model), **wired(model)}.items()}
    clip = node("RunComfyVideo", **{"prompt": "A flag moves.", "model": model_id, **own, **inputs})
    feeding = {value[0] for value in own.values() if isinstance(value, list)}
    feeding |= {"frames"} if "video" in feeding else set()
    feeding |= {"image"} if "element" in feeding else set()
    return {**{name: SOURCES[name] for name in feeding}, "clip": clip}
