"""Every video model of RunComfy's catalogue: its own inputs stand below its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from comfy_api.latest import io

from ..remote_video.catalogue.catalogue import Catalogue
from ..remote_video.catalogue.model import NODE_ID, CatalogueModel, video_models
from ..remote_video.errors import InputRefused
from ..remote_video.models.fields import Field, Text, seed_field
from ..remote_video.models.kling_elements import Elements
from ..remote_video.models.media_fields import MediaField
from ..remote_video.models.spec import ModelSpec
from .chosen_model import BELOW, MODEL, chosen
from .clip_node import ClipMaker
from .comfy_host import catalogue
from .inputs import Common, common_fields, common_inputs, model_input
from .labels import labelled
from .literals import Misread, literals_of, read_literals

PROMPT = Text("prompt", None, "What happens in the clip. A model that takes no prompt refuses it.")
SEED = replace(
    seed_field(None),
    tooltip="Sent if the model has a seed, wrapped into its range; otherwise the number only tells takes apart. "
    "The same inputs with the same seed are the same job; another seed asks for another clip.",
)
MODEL_TIP = "The model that makes the clip. Its inputs besides `prompt` and `seed` appear below."
SOCKETS_ONLY = (MediaField, Elements)


class RunComfyVideo(ClipMaker, io.ComfyNode):
    SPEC = CatalogueModel

    @classmethod
    def define_schema(cls) -> io.Schema:
        return _schema(catalogue())

    @classmethod
    def read_posted(cls, inputs: dict[str, Any]) -> None:
        known = catalogue()
        model = video_models(known).get(str(inputs.get(MODEL)))
        read_literals(inputs, {**_common_literals(), **literals_of(model.own if model else (), BELOW)})
        try:
            chosen(known, inputs).check()
        except InputRefused as refusal:
            inputs[MODEL] = Misread.of(inputs.get(MODEL, ""), refusal)

    @classmethod
    def asked(cls, inputs: Mapping[str, Any]) -> tuple[ModelSpec, dict[str, Any], str]:
        found = chosen(catalogue(), inputs)
        return found.model, dict(found.values), BELOW

    @classmethod
    def validate_inputs(cls, model: object = None) -> bool | str:
        # ComfyUI drops a model it doesn't know, and all that stands below it, and tells nothing of that here: what was
        # posted has been looked at before.
        name = model.get(MODEL) if isinstance(model, Mapping) else model
        return f"{name.reason.what} {name.reason.next_step}" if isinstance(name, Misread) else True

    @classmethod
    async def execute(cls, **values: Any) -> io.NodeOutput:
        found = chosen(catalogue(), values)
        return await cls.make(found.model, Common.of(values), found.values, below=BELOW)


@lru_cache(maxsize=2)
def _schema(known: Catalogue) -> io.Schema:
    models = video_models(known)
    # Frontends make no node whose first option has no widget.
    first = [name for name, model in models.items() if any(not isinstance(f, SOCKETS_ONLY) for f in model.own)][:1]
    vendors = {model.entry.vendor for model in models.values()}
    names = {model.name for model in models.values()}
    return RunComfyVideo.schema(
        display_name="RunComfy Video",
        description="Makes a clip with any video model that RunComfy offers: from words, images, videos or "
        "sound. Choose it in `model`; its own inputs appear below.",
        aliases=[*sorted(vendors), *sorted(names), "text to video", "t2v", "v2v", "runcomfy"],
        inputs=[
            model_input(PROMPT),
            *common_inputs(common_fields(NODE_ID, SEED)),
            io.DynamicCombo.Input(
                MODEL,
                options=[
                    io.DynamicCombo.Option(name, [model_input(field) for field in models[name].own])
                    for name in dict.fromkeys([*first, *models])
                ],
                optional=True,
                **labelled(Field(MODEL, None, MODEL_TIP)),
            ),
        ],
        # Without this ComfyUI drops a model it doesn't know, with all below it, and says nothing.
        accept_all_inputs=True,
    )


def _common_literals() -> dict[str, Field]:
    return literals_of((PROMPT, *common_fields(NODE_ID, SEED)))
