"""README is a page: a picture, two sentences, a clip within a minute, and where all else is said."""

from __future__ import annotations

import re

from .documented import HERE, PAGES, links, words
from .node_words import DESCRIBED

README = PAGES["README.md"]
MOST_WORDS = 700
FIRST_CLIP_WITHIN = 150
FIRST_CLIP = "the clip plays on the node"


def test_it_is_short() -> None:
    assert len(words(README)) <= MOST_WORDS


def test_the_first_clip_comes_soon() -> None:
    before, found, _ = README.partition(FIRST_CLIP)
    assert found and len(words(before + found)) < FIRST_CLIP_WITHIN


def test_it_leads_with_a_picture() -> None:
    _, picture, about = README.split("\n\n")[:3]
    assert re.fullmatch(r"!\[[^\]]+\]\(\S+\)", picture)
    assert len(re.findall(r"\.(?=\s|$)", about)) == 2, "what it is, in two sentences"


def test_each_kind_of_installation_is_told_how() -> None:
    for told in ("ComfyUI-Manager", "comfy node install", "git clone", "Desktop", "Windows portable", "PowerShell"):
        assert told in README
    assert "`.\\python_embeded\\python.exe" in README and "run_nvidia_gpu.bat" in README
    assert README.index("make demo") < README.index("make test") < README.index("## Nodes")


def test_its_links_work_where_the_registry_shows_it() -> None:
    """What is shipped has neither docs/ nor assets/."""
    assert [link for link in links(README) if not link.startswith("https://")] == []
    assert sum(HERE.match(link) is not None for link in links(README)) > 12


def test_it_names_the_nodes_that_are_told_of() -> None:
    assert set(re.findall(r"\*\* \(`(\w+)`\)", README)) == DESCRIBED
