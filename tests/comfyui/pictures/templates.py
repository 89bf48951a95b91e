"""A template's picture: its nodes with their clip, without its note, as the square that ComfyUI shows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from ..comfy_server import PACK_FOLDER
from .page import around, hold, make_clips, photograph, save, show, squared

FOLDER = PACK_FOLDER / "example_workflows"
SIDE_PX = 400
"""ComfyUI shows about 260."""
QUALITY = 56


@dataclass(frozen=True)
class Template:
    """How a template's picture is taken.

    Attributes:
        photographs: what its Load Image nodes show, in order.
        places: (x, y, width) by node id.
        shown: the ids of the nodes in the picture.
        most: the longest side in the graph's units; of what is higher the lower part is shown.
        moment: of the clip, as a share of its length.
        clips: how many nodes show one.
    """

    photographs: Sequence[str]
    places: Mapping[int, tuple[int, int, int]] = field(default_factory=dict)
    shown: Sequence[int] = (1, 2)
    most: int = 1040
    moment: float = 0.5
    clips: int = 1


BESIDE = {1: (0, 0, 280), 2: (310, 0, 440)}
TALL = {1: (0, 0, 440), 2: (480, 0, 460)}
LOWER = {1: (0, 420, 440), 2: (480, 0, 460)}
TEMPLATES = {
    "Dreamina 3 Pro turns day into dusk": Template(["rocket.jpg"], BESIDE),
    "Kling 3 keeps the looks of a person": Template(
        ["astronaut.png"], {1: (0, 0, 420), 2: (100, 560, 230), 3: (460, 0, 440)}, shown=(1, 2, 3)
    ),
    "Kling 3 makes three shots one film": Template(["astronaut.png"], LOWER, most=940, moment=0.2),
    "Kling 3 tells one photo in two shots": Template(["cat.png"], LOWER, most=940, moment=0.7),
    "RunComfy Video with any model": Template(["astronaut.png"], TALL),
    "Runway Gen-3 circles around a photo": Template(["coffee.png"], BESIDE, moment=0.9),
    "Three shots become one film": Template(["rocket.jpg"], shown=(4, 5), clips=4),
    "Veo 3 animates a photo with sound": Template(["astronaut.png"], BESIDE),
    "Veo 3 begins and Kling 3 goes on": Template(["rocket.jpg"], {3: (900, 80, 440)}, shown=(2, 3), clips=2),
    "Veo 3 works in the background": Template(["coffee.png"], BESIDE),
    "Veo at CometAPI between two photos": Template(
        ["cat.png", "coffee.png"], {1: (0, 0, 280), 2: (0, 370, 280), 3: (310, 0, 440)}, shown=(1, 2, 3)
    ),
}


def take(page: Any, name: str) -> None:
    """Make one anew."""
    template = TEMPLATES[name]
    show(page, arranged(read(name), template))
    make_clips(page, template.clips)
    hold(page, template.moment)
    picture = photograph(page, squared(around(page, template.shown), template.most))
    save(picture.resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS), FOLDER / f"{name}.jpg", QUALITY)


def read(name: str) -> dict[str, Any]:
    """A template's workflow."""
    workflow: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return workflow


def arranged(workflow: dict[str, Any], template: Template) -> dict[str, Any]:
    """The workflow without its note, with the photographs, each node as low as it can be."""
    photographs = iter(template.photographs)
    nodes = [node for node in workflow["nodes"] if node["type"] != "MarkdownNote"]
    for node in nodes:
        x, y, width = template.places.get(node["id"], (*node["pos"], node["size"][0]))
        node.update(pos=[x, y], size=[width, 100])
        if node["type"] == "LoadImage":
            node["widgets_values"][0] = next(photographs)
            node["size"] = [width, width]
    return {**workflow, "nodes": nodes}
