"""tasks.py does what `make` does, says when a Python is no use, and finds the ComfyUI around it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
POSIX = pytest.mark.skipif(os.name == "nt", reason="there a Python is no script, and make is seldom there")
ONE_LINE = "import os, sys; print(sys.argv[1:], os.getcwd(), os.environ.get('REMOTE_VIDEO_SANDBOX'))"


def tasks(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run tasks.py of a folder, without what this process knows of a ComfyUI."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COMFY")}
    command = [sys.executable, folder / "tasks.py", *arguments]
    return subprocess.run(
        command, cwd=folder, env={**kept, **environment}, capture_output=True, encoding="utf-8", timeout=110
    )


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with nothing in it but the tasks, and a demo that tells which Python ran it."""
    return clone_at(tmp_path / "clone")


def clone_at(folder: Path) -> Path:
    (folder / "demo").mkdir(parents=True)
    shutil.copy(ROOT / "tasks.py", folder)
    (folder / "requirements-dev.txt").write_text("# none\n", encoding="utf-8")
    (folder / "demo" / "__main__.py").write_text("import sys; print('demo by', sys.prefix)", encoding="utf-8")
    return folder


def comfyui_at(folder: Path) -> Path:
    (folder / "custom_nodes").mkdir(parents=True)
    (folder / "main.py").write_text(ONE_LINE, encoding="utf-8")
    return folder


def test_make_has_the_tasks_of_tasks_py_and_says_the_same() -> None:
    told = tasks(ROOT, "help")
    names = re.findall(r"^make (\S+)", told.stdout, re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert sorted(names) == sorted(re.search(r"^TASKS +:= (.*)$", makefile, re.MULTILINE)[1].split())
    assert tasks(ROOT).stdout == told.stdout
    if make := shutil.which("make"):
        command = [make, "--no-print-directory", f"PYTHON={sys.executable}"]
        assert subprocess.check_output(command, cwd=ROOT, encoding="utf-8") == told.stdout


def test_each_task_that_is_named_anywhere_is_there() -> None:
    there = set(re.findall(r"^make (\S+)", tasks(ROOT, "help").stdout, re.MULTILINE))
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md"), ROOT / ".ci" / "run"]
    told = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    named = set(re.findall(r"(?:`|^)make ([a-z][a-z-]*)(?![\w/-])", told, re.MULTILINE))
    assert {"lint", "test", "comfy"} <= named <= there


def test_a_task_that_is_not_there_is_said() -> None:
    told = tasks(ROOT, "tset")
    assert (told.returncode, told.stdout) == (2, "")
    assert "no task 'tset'" in told.stderr


@pytest.fixture(scope="module")
def ready_clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with an environment, which takes seconds to make."""
    clone = clone_at(tmp_path_factory.mktemp("ready") / "clone")
    first = tasks(clone, "demo")
    assert first.returncode == 0, first.stderr
    assert "anew" not in first.stdout
    assert first.stdout.endswith(f"demo by {clone / '.venv'}\n")
    return clone


def test_an_environment_is_made_once_and_filled_when_its_list_changes(ready_clone: Path) -> None:
    clone, ready = ready_clone, ready_clone / ".venv" / ".ready"
    assert ready.read_text(encoding="utf-8") == "# none\n"
    (clone / "requirements-dev.txt").write_text("no-such-thing @ file:///nowhere\n", encoding="utf-8")
    failed = tasks(clone, "demo")
    assert failed.returncode != 0
    assert "demo by" not in failed.stdout
    assert ready.read_text(encoding="utf-8") == "# none\n", "it is not ready, and the next time tries again"


def wheel(folder: Path, version: str) -> None:
    """Put a torch of this version, with nothing in it, where pip may find it."""
    about = f"torch-{version}.dist-info"
    (folder / "torch").mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / "torch" / f"torch-{version}-py3-none-any.whl", "w") as packed:
        packed.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n")
        packed.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        packed.writestr(f"{about}/RECORD", "")
    links = (f'<a href="{file.name.replace("+", "%2B")}">{file.name}</a>' for file in (folder / "torch").glob("*.whl"))
    (folder / "torch" / "index.html").write_text("\n".join(links), encoding="utf-8")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the plain build is the one for CPUs")
@pytest.mark.parametrize(
    ("usual", "of_pytorch", "comes"),
    [(["1.0"], ["1.0+cpu"], "1.0+cpu"), (["2.0", "2.0+cpu"], [], "2.0+cpu"), (["3.0"], [], "3.0")],
    ids=["by PyTorch's index", "by the usual index alone", "where no index has it"],
)
def test_torch_comes_as_the_build_for_cpus(
    ready_clone: Path, tmp_path: Path, usual: list[str], of_pytorch: list[str], comes: str
) -> None:
    indexes = {"usual": usual, "pytorch": of_pytorch}
    for name, versions in indexes.items():
        for version in versions:
            wheel(tmp_path / name, version)
    (ready_clone / "requirements-dev.txt").write_text(f"torch=={usual[0]}\n", encoding="utf-8")
    code = f"import tasks; tasks.CPU_INDEX = {(tmp_path / 'pytorch').as_uri()!r}; tasks.ready()"
    own = {"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": "", "PIP_INDEX_URL": (tmp_path / "usual").as_uri()}
    subprocess.run([sys.executable, "-c", code], cwd=ready_clone, env={**os.environ, **own}, check=True)
    told = "from importlib.metadata import version; print(version('torch'))"
    python = ready_clone / ".venv" / "bin" / "python"
    assert subprocess.check_output([python, "-c", told], encoding="utf-8").strip() == comes


@POSIX
@pytest.mark.parametrize(
    ("python", "said"),
    [
        (None, "its Python can't be run"),
        ("#!/bin/sh\necho 3 9\n", "its Python is 3.9, and 3.10 is the oldest"),
    ],
)
def test_an_environment_whose_python_is_no_use_is_said_and_made_anew(
    clone: Path, python: str | None, said: str
) -> None:
    inside = clone / ".venv" / "bin"
    inside.mkdir(parents=True)
    (clone / ".venv" / ".ready").write_text("# none\n", encoding="utf-8")
    if python is None:
        (inside / "python").symlink_to(clone / "gone")
    else:
        (inside / "python").write_text(python, encoding="ascii")
        (inside / "python").chmod(0o755)
    told = tasks(clone, "demo")
    assert told.returncode == 0, told.stderr
    assert f"made anew with Python {sys.version_info[0]}.{sys.version_info[1]}: {said}." in told.stdout
    assert f"demo by {clone / '.venv'}\n" in told.stdout


def test_a_python_that_is_too_old_says_so(clone: Path) -> None:
    code = (
        f"import sys; sys.path[:0] = [{str(clone)!r}]; sys.version_info = (3, 9, 2); import tasks; tasks.main(['demo'])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60)
    assert "is Python 3.9.2; this needs 3.10 or newer" in told.stderr
    assert not (clone / ".venv").exists()


def test_a_clone_in_custom_nodes_finds_its_comfyui_and_is_not_linked(tmp_path: Path) -> None:
    comfyui = comfyui_at(tmp_path / "ComfyUI")
    clone = clone_at(comfyui / "custom_nodes" / "my-clone")
    told = tasks(clone, "comfy", COMFY_ARGS="--port 8190")
    assert told.returncode == 0, told.stderr
    assert told.stdout.strip() == f"['--port', '8190'] {comfyui} 1"
    assert [path.name for path in (comfyui / "custom_nodes").iterdir()] == ["my-clone"]
    elsewhere = comfyui_at(tmp_path / "another")
    assert str(elsewhere) in tasks(clone, "comfy", COMFYUI_PATH=str(elsewhere)).stdout, "what is named wins"


def test_a_comfyui_elsewhere_may_be_named_relatively_and_gets_a_link(clone: Path, tmp_path: Path) -> None:
    comfyui = comfyui_at(tmp_path / "ComfyUI")
    for _ in range(2):
        told = tasks(clone, "comfy", COMFYUI_PATH=f"..{os.sep}ComfyUI")
        assert told.returncode == 0, told.stderr
        assert told.stdout.strip().endswith(f"[] {comfyui} 1")
        assert (comfyui / "custom_nodes" / "remote-video").resolve() == clone
    if shutil.which("make"):
        shutil.copy(ROOT / "Makefile", clone)
        command = ["make", "--no-print-directory", "comfy", "COMFYUI_PATH=../ComfyUI", f"PYTHON={sys.executable}"]
        assert str(comfyui) in subprocess.check_output(command, cwd=clone, encoding="utf-8")


def test_what_is_in_the_place_of_the_link_is_left_alone(clone: Path, tmp_path: Path) -> None:
    comfyui = comfyui_at(tmp_path / "ComfyUI")
    (comfyui / "custom_nodes" / "remote-video").mkdir()
    told = tasks(clone, "comfy", COMFYUI_PATH=str(comfyui))
    assert told.returncode == 2
    assert "is there already and is not a link: left alone" in told.stderr


@pytest.mark.parametrize("task", ["comfy", "test-comfyui"])
def test_without_a_comfyui_a_task_says_how_to_name_one(clone: Path, task: str, tmp_path: Path) -> None:
    for environment in ({}, {"COMFYUI_PATH": str(tmp_path)}):
        told = tasks(clone, task, **environment)
        assert (told.returncode, told.stdout) == (2, "")
        assert f"make {task} COMFYUI_PATH=/path/to/ComfyUI" in told.stderr
    assert f"{tmp_path} is no ComfyUI" in told.stderr


def test_comfyui_is_run_by_its_own_python(clone: Path, tmp_path: Path) -> None:
    comfyui = comfyui_at(tmp_path / "ComfyUI")
    (comfyui / "main.py").write_text("import sys; print(sys.prefix)", encoding="utf-8")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", comfyui / ".venv"], check=True)
    assert tasks(clone, "comfy", COMFYUI_PATH=str(comfyui)).stdout.strip() == str(comfyui / ".venv")
    named = tasks(clone, "comfy", COMFYUI_PATH=str(comfyui), COMFYUI_PYTHON=sys.executable)
    assert named.stdout.strip() == sys.prefix
