"""Clips one after the other become one film."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..remote_video.films.fields import FIELDS, NODE_ID
from .clip_node import CATEGORY
from .film_node import clips_input, film_fingerprint, make_film_of
from .inputs import model_input
from .outputs import film_outputs


class JoinClips(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id=NODE_ID,
            display_name="Join Clips",
            category=CATEGORY,
            description="Joins 2 to 50 clips into one film, on this machine and at no cost: cut or crossfaded, with "
            "their sound. Clips that are alike are copied without loss; others are encoded, visually lossless.",
            search_aliases=["concat", "merge", "film", "cut", "join videos", "\u62fc\u63a5", "remote video"],
            inputs=[clips_input(), *map(model_input, FIELDS)],
            outputs=film_outputs(),
            is_output_node=True,
            is_input_list=True,
        )

    @classmethod
    def fingerprint_inputs(cls, **values: Any) -> list[str]:
        return film_fingerprint()

    @classmethod
    async def execute(cls, clips: Any = None, **settings: Any) -> io.NodeOutput:
        return await make_film_of(cls.hidden, clips, settings)
