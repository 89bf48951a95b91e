"""What `pip install .` gives: the command line alone, for machines without ComfyUI."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from email import message_from_string
from email.message import Message
from importlib.metadata import packages_distributions
from pathlib import Path

import av
import pytest
from PIL import Image
from remote_video_pack.remote_video.version import version

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "remote_video"
EXTRAS = {"s3": {"boto3"}, "postgres": {"psycopg"}, "clips": {"obstore"}}
OF_ANOTHER = {"botocore": "boto3"}
"""What comes with a package that is named."""
ONLY_IN_COMFYUI = {"torch"}
"""Imported where tensors are; the command line has none."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as pip builds it, with the backend that is here."""
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel in a folder of its own; what it depends on is taken from here."""
    folder = tmp_path_factory.mktemp("installed")
    pip("install", "--no-deps", "--target", folder, wheel)
    return folder


@pytest.fixture(scope="module")
def about(wheel: Path) -> Message:
    """What the wheel says of itself."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return message_from_string(archive.read(name).decode("utf-8"))


def pip(*arguments: str | Path) -> None:
    quiet = ("--quiet", "--disable-pip-version-check", "--no-index")
    done = subprocess.run(
        [sys.executable, "-m", "pip", arguments[0], *quiet, *map(str, arguments[1:])],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=100,
    )
    assert done.returncode == 0, done.stderr


def without_torch(installed: Path, folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run something of the installed package where torch can't be imported and no pack is around."""
    (folder / "torch.py").write_text('raise ImportError("there is no torch here")', encoding="utf-8")
    return subprocess.run(
        [*map(str, command)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(folder), str(installed)))},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=100,
    )


def test_it_holds_the_package_with_its_data_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    here = {path.relative_to(ROOT).as_posix() for path in PACKAGE.rglob("*") if path.is_file()}
    assert held == {name for name in here if "__pycache__" not in name}
    assert {"remote_video/py.typed", "remote_video/catalogue/snapshot.json"} <= held


def test_its_command_makes_a_clip_where_there_is_no_torch(installed: Path, tmp_path: Path) -> None:
    Image.linear_gradient("L").resize((320, 180)).convert("RGB").save(tmp_path / "a.png")
    command = next((installed / "bin").glob("remote-video*"))
    made = without_torch(
        installed, tmp_path, command, "make", "Veo3I2V", "--sandbox", "--image", "a.png", "--prompt", "a sea"
    )
    assert made.returncode == 0, made.stderr
    assert "sandbox, nothing was paid" in made.stderr
    clip = Path(made.stdout.splitlines()[-1])
    assert clip.parent == tmp_path
    with av.open(str(clip)) as file:
        assert next(file.decode(video=0)).width > 0
    told = without_torch(installed, tmp_path, command)
    assert told.stdout.startswith("usage: remote-video ")


def test_every_command_can_be_imported_without_torch(installed: Path, tmp_path: Path) -> None:
    folder = installed / "remote_video" / "command_line"
    names = sorted(f"remote_video.command_line.{path.stem}" for path in folder.glob("[a-z]*.py"))
    assert "remote_video.command_line.check" in names
    done = without_torch(installed, tmp_path, sys.executable, "-c", f"import {', '.join(names)}")
    assert done.returncode == 0, done.stderr


def test_it_tells_its_version_where_there_is_no_pyproject(installed: Path, tmp_path: Path) -> None:
    asked = "from remote_video.version import version; print(version())"
    told = without_torch(installed, tmp_path, sys.executable, "-c", asked)
    assert told.stdout.strip() == version()
    assert f'version = "{version()}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_what_it_imports_is_what_it_depends_on(about: Message) -> None:
    needed: dict[str, set[str]] = {}
    for line in about.get_all("Requires-Dist", []):
        (name,), extras = re.findall(r"^[\w-]+", line), re.findall(r"extra == '(\w+)'", line)
        needed.setdefault("".join(extras), set()).add(name.lower())
    assert {extra: needed[extra] for extra in EXTRAS} == EXTRAS
    assert needed["all"] == set().union(*EXTRAS.values())
    imported = {OF_ANOTHER.get(name, name) for name in distributions(imports())}
    assert imported - ONLY_IN_COMFYUI == needed[""].union(*EXTRAS.values())


def imports() -> Iterator[str]:
    """The top of every module's name that is imported, also where that is done late or by its name as text."""
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                yield node.module.partition(".")[0]
            elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "import_module":
                name = node.args[0]
                if isinstance(name, ast.Constant):
                    yield name.value.partition(".")[0]


def distributions(modules: Iterator[str]) -> set[str]:
    """What is to be installed for them."""
    known: Mapping[str, list[str]] = packages_distributions()
    others = {name for name in modules if name and name not in sys.stdlib_module_names}
    return {known.get(name, [name])[0].lower() for name in others}


@pytest.mark.parametrize(
    ("module", "package"),
    [("uploads.s3_presigned", "boto3"), ("ledger.postgres", "psycopg[binary]"), ("clips.store_bucket", "obstore")],
)
def test_the_package_that_a_message_names_is_an_extra(about: Message, module: str, package: str) -> None:
    source = importlib.import_module(f"remote_video_pack.remote_video.{module}").__file__
    said = re.findall(r"pip install \W*([\w\[\]]+)", Path(str(source)).read_text(encoding="utf-8"))
    assert said == [package]
    assert any(line.startswith(package) and "extra ==" in line for line in about.get_all("Requires-Dist", []))
