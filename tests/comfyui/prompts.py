"""Prompts in API format, and example workflows turned into them as the browser does it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

Prompt = dict[str, dict[str, Any]]
EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "example_workflows").glob("*.json"))
NOTES = ("Note", "MarkdownNote")


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    """One node of a prompt."""
    return {"class_type": class_type, "inputs": inputs}


def veo(prompt: str, seed: int = 0, **readers: dict[str, Any]) -> Prompt:
    """LoadImage "1" into Veo3I2V "2", with whoever reads its outputs."""
    image = node("LoadImage", image="example.png")
    return {"1": image, "2": node("Veo3I2V", image=["1", 0], prompt=prompt, seed=seed), **readers}


def several(words: str, seeds: Iterable[int], **inputs: Any) -> Prompt:
    """A clip for each seed, of one image in one prompt; node ids are 10 + seed, file names begin with `words`."""
    clip = {"image": ["1", 0], "prompt": words, "filename_prefix": words, **inputs}
    clips = {str(10 + seed): node("Veo3I2V", seed=seed, **clip) for seed in seeds}
    return {"1": node("LoadImage", image="example.png"), **clips}


def save_video(source: str, prefix: str) -> dict[str, Any]:
    """Save the `video` of a clip's node once more."""
    return node("SaveVideo", video=[source, 2], filename_prefix=prefix, format="auto", codec="auto")


def prompt_of(example: Path, node_info: Mapping[str, Any]) -> Prompt:
    """The prompt the browser sends for a saved workflow.

    Args:
        example: the workflow's file.
        node_info: what GET /object_info says.
    """
    workflow = json.loads(example.read_text(encoding="utf-8"))
    links = {link[0]: [str(link[1]), link[2]] for link in workflow["links"]}
    return {
        str(saved["id"]): node(saved["type"], **dict(_inputs(saved, links, node_info[saved["type"]])))
        for saved in workflow["nodes"]
        if saved["type"] not in NOTES
    }


def _inputs(saved: dict[str, Any], links: dict[int, list[Any]], info: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    values = iter(saved.get("widgets_values") or [])
    for entry in saved["inputs"]:
        value = next(values) if "widget" in entry else None
        if _has_control(entry["name"], info):
            next(values)
        if entry.get("link") is not None:
            yield entry["name"], links[entry["link"]]
        elif "widget" in entry and entry["name"] != "upload":
            yield entry["name"], value


def _has_control(name: str, info: dict[str, Any]) -> bool:
    options = {**info["input"].get("required", {}), **info["input"].get("optional", {})}.get(name, [None])
    return len(options) > 1 and bool(options[1].get("control_after_generate"))
