"""The registry's archive: what is named in `.comfyignore`, small, and enough to run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from .archive import ROOT, pack, shipped, tracked

TOP = {
    "LICENSE", "README.md", "__init__.py", "example_workflows", "locales", "nodes", "pyproject.toml", "remote_video",
    "requirements.txt", "subgraphs", "web",
}  # fmt: skip
MOST_BYTES = 1_200_000
"""Half of it is Python, a quarter the page's words in nine languages."""
MOST_PICTURE_BYTES = 150_000
QUIET = {"DO_NOT_TRACK": "1", "COMFY_NO_UPDATE_CHECK": "1", "COMFY_CLI_NO_REMOTE_REFRESH": "1"}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(tmp_path_factory.mktemp("archive") / "node.zip")


def names_in(archive: Path) -> list[str]:
    with zipfile.ZipFile(archive) as zipped:
        return sorted(zipped.namelist())


def test_its_top_is_this_and_nothing_else(archive: Path) -> None:
    assert {name.partition("/")[0] for name in names_in(archive)} == TOP


def test_what_is_new_at_the_top_does_not_ship_by_itself() -> None:
    assert shipped(["notes.txt", "setup.py", ".env", "new_folder", "new_folder/file.py", "docs/README.md"]) == []
    assert shipped(["nodes", "nodes/new.py", "web/docs/new.md"]) == ["nodes", "nodes/new.py", "web/docs/new.md"]


def test_what_ships_of_a_folder_is_all_of_it_but_what_others_are_made_of(archive: Path) -> None:
    folders = {name for name in TOP if (ROOT / name).is_dir()}
    left_out = {name for name in tracked() if name.partition("/")[0] in folders} - set(names_in(archive))
    assert {name.rpartition("/")[2] for name in left_out} == {"words.json"}


def test_it_is_small(archive: Path) -> None:
    pictures = [ROOT / name for name in names_in(archive) if name.endswith((".jpg", ".png", ".webp"))]
    assert sum(picture.stat().st_size for picture in pictures) <= MOST_PICTURE_BYTES
    assert archive.stat().st_size <= MOST_BYTES


def test_what_it_holds_makes_a_clip(archive: Path, tmp_path: Path) -> None:
    pack_folder, picture = tmp_path / "remote-video", ROOT / "assets" / "icon.png"
    with zipfile.ZipFile(archive) as zipped:
        zipped.extractall(pack_folder)
    order = ("make", "veo3i2v", "--sandbox", "--prompt", "a calm sea", "--image", picture, "-o", tmp_path / "sea.mp4")
    command = [sys.executable, "-m", "remote_video", *map(str, order)]
    made = subprocess.run(command, cwd=pack_folder, capture_output=True, encoding="utf-8", timeout=100)
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "sea.mp4").stat().st_size > 10_000


def test_comfy_cli_packs_the_same(archive: Path, tmp_path: Path) -> None:
    """In a folder without git, too: there it walks through the folders that the rules name."""
    program = os.environ.get("COMFY_CLI_PATH") or shutil.which("comfy")
    if not program:
        pytest.skip("this needs comfy-cli: install it, or say where its `comfy` is in COMFY_CLI_PATH")
    names = [*tracked(), "stray.txt", "stray/file.py", "nodes/__pycache__/stray.pyc"]
    for name in names:
        copy = tmp_path / "clone" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((ROOT / name).read_bytes() if (ROOT / name).is_file() else b"")
    environment = {**os.environ, **QUIET, "HOME": str(tmp_path), "GIT_CEILING_DIRECTORIES": str(tmp_path)}
    for with_git in (False, True):
        if with_git:
            for order in (["init", "--quiet"], ["add", "--force", "."]):
                subprocess.run(["git", *order], cwd=tmp_path / "clone", check=True)
        command = [program, "--skip-prompt", "node", "pack"]
        said = subprocess.run(command, cwd=tmp_path / "clone", env=environment, capture_output=True, timeout=100)
        assert said.returncode == 0, said.stdout + said.stderr
        assert names_in(tmp_path / "clone" / "node.zip") == names_in(archive)
        (tmp_path / "clone" / "node.zip").unlink()
