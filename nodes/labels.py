"""What inputs are called on a node: in words. Their names are for prompts, errors and saved workflows."""

from __future__ import annotations

import re

from ..remote_video.models.fields import Field

OF_NAMES = {
    "frames": "Decode frames",
    "max_frames": "Max frames",
    "multi_shot": "Shots",
    "num_frames": "Number of frames",
    "shot_type": "Shot planning",
    "transition_s": "Transition length",
    "wait": "Wait for the clip",
}
"""Names that say less to an artist than other words do."""
CAPITALS = re.compile(r"\b(?:cfg|fps|hd|id|json|lora|ui|url|urls)\b")


def words(name: str) -> str:
    """An input's name in words: `negative_prompt` is "Negative prompt"."""
    if name in OF_NAMES:
        return OF_NAMES[name]
    spaced = CAPITALS.sub(lambda found: found[0].upper(), name.replace("_", " ").strip())
    return spaced[:1].upper() + spaced[1:]


def labelled(field: Field) -> dict[str, str]:
    """The label of a field's input, and its tooltip: that one also says the name."""
    return {"display_name": words(field.name), "tooltip": f"{field.help} (`{field.name}`)"}
