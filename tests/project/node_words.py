"""ComfyUI's translations, `locales/<locale>/*.json`, made of what the nodes say and `locales/<locale>/words.json`.

A text is found by its English, so that a changed one has no translation; a label by the name on the wire, so that one
input has one label on all nodes. `make words` writes the files; ComfyUI serves them, and its frontend looks a text up
by node and input.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import folder_paths
from remote_video_pack.nodes import NODES

ROOT = Path(__file__).resolve().parents[2]
LOCALES = ROOT / "locales"
WORDS = "words.json"
DESCRIBED = frozenset(re.findall(r"\*\* \(`(\w+)`\)", (ROOT / "docs" / "nodes.md").read_text(encoding="utf-8")))
"""The nodes that docs/nodes.md describes: these are translated and shown in an example."""
FOLDER = "remote-video"
"""What the pack's folder is called; ComfyUI's template browser shows it where no text says better."""
NAME = "Remote Video"
OFFERED = "model."
"""What the names of inputs begin with whose tooltips are a provider's."""

Tree = dict[str, Any]
Say = Callable[[str, str], str]
"""Of a kind and a name or an English text: what is shown. Kinds are the tables' sections, and "offered": an input of a
model that the catalogue lists, which is among "inputs" when many models have it.
"""


def files(say: Say | None) -> dict[str, Tree]:
    """By file name, what ComfyUI is to be served in one language; for English (no `say`) what it can't know itself."""
    main: Tree = {"templateWorkflows": {"category": {FOLDER: NAME}}}
    if say is None:
        return {"main.json": main}
    labels = {key(text): say("texts", text) for text in texts_of("menubarLabel", modules())}
    commands = {key(name): {"label": say("texts", text)} for name, text in registered("label")}
    settings: Tree = {key(name): {"name": say("texts", text)} for name, text in registered("name")}
    for name, text in registered("tooltip"):
        settings[key(name)]["tooltip"] = say("texts", text)
    found = {
        "nodeDefs.json": {schema.node_id: _node(schema, say) for schema in schemas()},
        "main.json": {"menuLabels": labels, **main},
        "commands.json": commands,
        "settings.json": settings,
    }
    return {name: tree for name, tree in found.items() if tree}


def key(name: str) -> str:
    """A name as the frontend makes a key of it (`normalizeI18nKey`)."""
    return name.replace(".", "_")


def numberless(text: str) -> str:
    """A shot's text or name without its number."""
    return re.sub(r"(?<=shot[ _])\d+", "{number}", text)


@lru_cache(maxsize=1)
def schemas() -> list[Any]:
    """Of the nodes that are told of; RunComfyVideo's with the catalogue that ships, where nothing else is known."""
    with tempfile.TemporaryDirectory() as folder:
        folder_paths.BASE = Path(folder)
        return [schema for node in NODES if (schema := node.define_schema()).node_id in DESCRIBED]


def numbers(text: str) -> Counter[str]:
    """A text's numbers, however the language groups digits or writes the point; it may write more in figures."""
    return Counter(re.findall(r"\d+", re.sub(r"(?<=\d)[.,\u00a0\u202f](?=\d)", "", text)))


def _node(schema: Any, say: Say) -> Tree:
    inputs: Tree = {}
    for name, tooltip in _inputs(schema.inputs):
        label = name.rpartition(".")[2]
        if name.startswith(OFFERED):
            inputs[key(name)] = {"name": say("offered", label)}
        else:
            text, named = re.fullmatch(rf"(.*?)( \(`{label}`\))?", tooltip, flags=re.DOTALL).groups("")
            inputs[key(name)] = {"name": say("inputs", label), "tooltip": say("texts", text) + named}
    outputs = {
        str(place): {"name": say("outputs", output.id), "tooltip": say("texts", output.tooltip)}
        for place, output in enumerate(schema.outputs)
    }
    texts = {"display_name": say("texts", schema.display_name), "description": say("texts", schema.description)}
    return {**texts, "inputs": inputs, "outputs": outputs}


def _inputs(inputs: Any, above: str = "") -> Iterator[tuple[str, str]]:
    """Names, with dots where they are nested, and tooltips."""
    for entry in inputs:
        yield above + entry.id, entry.tooltip
        for option in getattr(entry, "options", None) or ():
            yield from _inputs(getattr(option, "inputs", ()), f"{above}{entry.id}.")


def registered(part: str) -> list[tuple[str, str]]:
    """(id, text) of each command (`label`) or setting (`name`, `tooltip`) that the browser's modules register."""
    found, constants = [], dict(re.findall(r'const (\w+) = "([^"]*)"', modules()))
    for literal in re.findall(r"\{\s*id: [^{}]*\}?", modules()):
        quoted, constant = re.match(r'\{\s*id: (?:"([^"]*)"|(\w+))?', literal).groups()
        identity = quoted or constants.get(constant, "")
        if identity.startswith("RemoteVideo."):
            found += [(identity, text) for text in texts_of(part, literal)]
    return found


def texts_of(part: str, source: str) -> list[str]:
    """The literals given as `part`, through `t()` or not."""
    return re.findall(rf'\b{part}:\s+(?:\(\) => t\()?"([^"]*)"', source)


@lru_cache(maxsize=1)
def modules() -> str:
    """The browser's modules, one after the other."""
    return "\n".join(file.read_text(encoding="utf-8") for file in sorted((ROOT / "web").glob("*.js")))


class Words:
    """A language's table, and what was asked of it."""

    def __init__(self, locale: str) -> None:
        self.locale = locale
        self.table: dict[str, dict[str, str]] = read(LOCALES / locale / WORDS)
        self.asked: set[tuple[str, str]] = set()

    def say(self, kind: str, english: str) -> str:
        """See `Say`; what the table lacks is shown in English."""
        name, number = numberless(english), re.search(r"(?<=shot[ _])\d+", english)
        self.asked.add((kind, name))
        section = self.table["inputs" if kind == "offered" else kind]
        return section.get(name, name).replace("{number}", number[0] if number else "")

    def files(self) -> dict[str, Tree]:
        """See `files`."""
        return files(self.say)


def locales() -> list[str]:
    """All but English."""
    return sorted(file.parent.name for file in LOCALES.glob(f"*/{WORDS}"))


def read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def made() -> Iterator[tuple[Path, Tree]]:
    """Every file that ComfyUI is to find, and what it is to say."""
    for locale, found in [("en", files(None)), *((locale, Words(locale).files()) for locale in locales())]:
        for name, tree in found.items():
            yield LOCALES / locale / name, tree


def write() -> None:
    """Write them all."""
    for file, tree in made():
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(tree, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
