"""What ComfyUI's registry and ComfyUI-Manager read about the pack."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from remote_video_pack.nodes import NODES as IN_THE_MENU

from ..comfyui.pictures.templates import SIDE_PX, TEMPLATES

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
TRACKED = ("nodes", "remote_video", "benchmarks", "demo", "tests")
WORKFLOWS = sorted((*(ROOT / "example_workflows").glob("*.json"), *(ROOT / "subgraphs").glob("*.json")))
OF_COMFYUI_0_12 = {
    "aiohttp": "3.11.8",
    "alembic": None,
    "av": "14.2.0",
    "numpy": "1.25.0",
    "pillow": None,
    "psutil": None,
    "requests": None,
    "sqlalchemy": None,
    "tqdm": None,
    "urllib3": None,
}
"""Its own requirements, and what `requests` brings, with the oldest that it takes."""
MOST_OF_A_TITLE = 36
"""Characters that the template browser shows of a title with four in a row."""
NODES = {node.__name__ for node in IN_THE_MENU}


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_registry_has_what_it_asks_for(project: dict[str, Any]) -> None:
    about, comfy = project["project"], project["tool"]["comfy"]
    assert about["name"] == "remote-video"
    assert "comfyui" not in about["name"].lower()
    assert re.fullmatch(r"\d+\.\d+\.\d+", about["version"])
    assert about["requires-python"] == ">=3.10"
    assert about["license"] == {"file": "LICENSE"}
    assert set(about["urls"]) == {"Homepage", "Repository", "Documentation", "Issues", "Changelog"}
    repository = about["urls"]["Repository"]
    for url in about["urls"].values():
        assert url.startswith(repository)
        _, blob, path = url.partition("/blob/main/")
        assert not blob or (ROOT / path).is_file(), url
    assert comfy["PublisherId"] == "remote-video"
    assert comfy["DisplayName"] == "Remote Video"
    assert comfy["requires-comfyui"] == ">=0.12.0"
    assert "web" not in comfy, "WEB_DIRECTORY says it already; both would load every script twice"


def requirements(name: str) -> list[str]:
    """The lines of a list of packages."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def test_nothing_is_installed_into_a_comfyui(project: dict[str, Any]) -> None:
    """ComfyUI-Manager reads requirements.txt alone, comfy-cli's --fast-deps that before pyproject.toml."""
    assert requirements("requirements.txt") == []
    assert "/requirements.txt" not in (ROOT / ".comfyignore").read_text(encoding="utf-8").splitlines()


def test_what_reads_the_dependencies_all_the_same_finds_a_comfyui_that_has_them(project: dict[str, Any]) -> None:
    for dependency in project["project"]["dependencies"]:
        name, _, oldest = dependency.partition(">=")
        assert name in OF_COMFYUI_0_12, "ComfyUI doesn't ship it"
        shipped = OF_COMFYUI_0_12[name]
        assert shipped is None or as_numbers(oldest) <= as_numbers(shipped)


def test_the_oldest_that_may_be_installed_are_those_that_are_tried(project: dict[str, Any]) -> None:
    about = project["project"]
    extras = [line for extra in about["optional-dependencies"].values() for line in extra]
    bounds = {line for line in (*about["dependencies"], *extras) if not line.startswith(about["name"])}
    assert {line.replace(">=", "==") for line in bounds} <= set(requirements("tests/oldest.txt"))


def as_numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def test_the_pictures_are_there_in_the_registrys_sizes(project: dict[str, Any]) -> None:
    comfy = project["tool"]["comfy"]
    with Image.open(ROOT / "assets" / Path(comfy["Icon"]).name) as icon:
        assert icon.width == icon.height <= 400
    with Image.open(ROOT / "assets" / Path(comfy["Banner"]).name) as banner:
        assert banner.width * 9 == banner.height * 21


def test_the_changelog_tells_of_this_version(project: dict[str, Any]) -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{project['project']['version']}]" in text


def scanned(source: str) -> Iterator[str]:
    """The nodes ComfyUI-Manager's scanner.py sees: classes with a direct base called ComfyNode."""
    for found in ast.walk(ast.parse(source)):
        if isinstance(found, ast.ClassDef):
            bases = [base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in found.bases]
            if "ComfyNode" in bases:
                yield found.name


def test_a_workflows_missing_nodes_are_found_in_the_source() -> None:
    files = [ROOT / "__init__.py", *(path for name in TRACKED for path in sorted((ROOT / name).rglob("*.py")))]
    found = [(name, path) for path in files for name in scanned(path.read_text(encoding="utf-8"))]
    assert sorted(name for name, _ in found if name in NODES) == sorted(NODES)
    for name, path in found:
        assert name in NODES, f"nodes/__init__.py: import {name} from .{path.stem}, and write `{name},` last in NODES"


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_every_node_of_a_workflow_says_which_pack_it_comes_from(project: dict[str, Any], workflow: Path) -> None:
    about, floor = project["project"], project["tool"]["comfy"]["requires-comfyui"].removeprefix(">=")
    saved = json.loads(workflow.read_text(encoding="utf-8"))
    subgraphs = saved.get("definitions", {}).get("subgraphs", [])
    ours = NODES | {subgraph["id"] for subgraph in subgraphs}
    for node in [*saved["nodes"], *(node for subgraph in subgraphs for node in subgraph["nodes"])]:
        told = (node["properties"]["cnr_id"], node["properties"]["ver"])
        assert told == ((about["name"], about["version"]) if node["type"] in ours else ("comfy-core", floor)), node[
            "type"
        ]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflows_name_is_what_is_shown_of_it(workflow: Path) -> None:
    """ComfyUI shows a file's name as the title, and again, without "-" and "_", as the sentence below it."""
    name = workflow.stem
    assert re.fullmatch(r"[A-Z][\w -]+", name) and "_" not in name and " " in name
    assert len(name) <= MOST_OF_A_TITLE
    assert name in (ROOT / "docs" / "nodes.md").read_text(encoding="utf-8")


def test_every_template_has_a_picture_that_can_be_made_anew() -> None:
    """`make pictures` takes it as `tests/comfyui/pictures/templates.py` says."""
    templates = {path.stem for path in (ROOT / "example_workflows").glob("*.json")}
    assert set(TEMPLATES) == templates == {path.stem for path in (ROOT / "example_workflows").glob("*.jpg")}
    for name in templates:
        with Image.open(ROOT / "example_workflows" / f"{name}.jpg") as picture:
            assert picture.size == (SIDE_PX, SIDE_PX)


def test_a_blueprint_can_be_read_where_files_have_another_encoding() -> None:
    """ComfyUI 0.12 opens it without naming one."""
    for blueprint in (ROOT / "subgraphs").glob("*.json"):
        assert blueprint.read_bytes().isascii()


def test_the_browsers_modules_are_files_that_comfyui_lets_no_browser_keep() -> None:
    """It sends a cache header with .js and .css alone; any other module would outlive an update in the browser."""
    assert {path.suffix for path in (ROOT / "web").iterdir() if path.is_file()} == {".js", ".css"}
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "web").glob("*.js"))
    assert set(re.findall(r'from "[.]/[^"]*?([^"/.]*)"', sources)) == {"js"}
