"""The nodes' help: English for whoever has no page of their own (`docs/<Node>.md`), and three languages more."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from remote_video_pack.nodes import NODES as ALL_NODES
from remote_video_pack.remote_video.models import MODELS

from .node_words import LOCALES, WORDS, numbers, read, schemas

DOCS = Path(__file__).resolve().parents[2] / "web" / "docs"
LANGUAGES = ["ja", "zh", "zh-TW"]
NODES = [schema.node_id for schema in schemas()]


def translated(node: str, language: str) -> str:
    file = DOCS / node / f"{language}.md"
    assert file.is_file(), f"web/docs/{node}/{language}.md: translate web/docs/{node}.md"
    return file.read_text(encoding="utf-8")


def blocks(page: str) -> list[str]:
    """Headings, rows, points and paragraphs, each in one line."""
    return [" ".join(block.split()) for block in re.split(r"\n(?=[#|\n-])|\n\n+", page) if block.strip()]


def shape(block: str) -> tuple[str, list[str], int]:
    """What a translation keeps: the kind of block, the names in it, how many words stand out."""
    kind = re.match(r"#+|\||-|", block)
    return kind[0] if kind else "", sorted(re.findall(r"`[^`]*`", block)), block.count("**")


def test_there_is_a_page_for_every_node_in_every_language_that_has_pages() -> None:
    english = {f"{name}.md" for name in [*(node.__name__ for node in ALL_NODES), *(spec.node_id for spec in MODELS)]}
    wanted = english | {f"{node}/{name}.md" for node in NODES for name in LANGUAGES}
    there = {file.relative_to(DOCS).as_posix() for file in DOCS.rglob("*.md")}
    missing, unknown = sorted(wanted - there), sorted(there - wanted)
    assert not missing, "web/docs/: write these"
    assert not unknown, "web/docs/: no node has these"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("node", NODES)
def test_a_page_says_all_that_the_english_one_says(node: str, language: str) -> None:
    english = blocks((DOCS / f"{node}.md").read_text(encoding="utf-8"))
    page = blocks(translated(node, language))
    assert [shape(block) for block in page] == [shape(block) for block in english]
    for said, original in zip(page, english, strict=True):
        assert numbers(original) <= numbers(said), said


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("node", NODES)
def test_a_page_has_the_names_that_the_node_shows(node: str, language: str) -> None:
    page = translated(node, language)
    shown = read(LOCALES / language / "nodeDefs.json")[node]
    words = read(LOCALES / language / WORDS)
    assert page.startswith(f"# {shown['display_name']}\n")
    inputs, outputs = page.rsplit("|---|---|", 1)
    for part, table in ((inputs, words["inputs"]), (outputs, words["outputs"])):
        for name, label in re.findall(r"^\| `(\w+)` ([^|(\uff08]*\w)", part, flags=re.MULTILINE):
            assert label == table[name], name
