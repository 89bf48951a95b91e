"""What holds for every source file, so that the pack loads on any machine and stays readable."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENGINE = ROOT / "remote_video"
SHIPPED = [ROOT / "__init__.py", *sorted(ENGINE.rglob("*.py")), *sorted((ROOT / "nodes").rglob("*.py"))]
WRITTEN = [
    *SHIPPED,
    *(file for folder in ("tests", "demo", "benchmarks") for file in sorted((ROOT / folder).rglob("*.py"))),
    *(file for suffix in ("*.js", "*.css") for file in sorted((ROOT / "web").rglob(suffix))),
]

WHOLE = {"remote_video/engine/engine.py", "remote_video/ledger/ledger.py"}
"""One class each, of short methods that share its state: what could be told apart is in modules beside them."""

COMFYUI = {"comfy", "comfy_api", "comfy_execution", "comfy_extras", "execution", "folder_paths", "nodes", "server"}
MAY_USE = {
    "media": set(),
    "models": {"media"},
    "uploads": {"media", "models"},
    "providers": {"media", "models", "uploads", "sandbox"},
    "catalogue": {"media", "models", "providers"},
    "ledger": set(),
    "clips": {"providers"},
    "engine": {"media", "models", "uploads", "providers", "catalogue", "ledger", "clips"},
    "films": {"media", "models", "clips"},
    "command_line": {"media", "models", "providers", "catalogue", "ledger", "clips", "engine", "films", "sandbox"},
    "sandbox": {"media"},
}
"""Arrows point down only. The sandbox stands below the providers, which can be told to talk to it; it must not share
its contracts with `models`, or a mistake there would never be noticed."""


def name(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """Every import in a file, inside functions too: how many dots it starts with, and the dotted name."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.module:
                yield node.level, node.module
            else:
                yield from ((node.level, alias.name) for alias in node.names)


def ruff(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)


@pytest.mark.parametrize("file", SHIPPED, ids=name)
def test_a_windows_console_can_print_the_source(file: Path) -> None:
    assert file.read_text(encoding="utf-8").isascii()


@pytest.mark.parametrize("file", WRITTEN, ids=name)
def test_a_file_is_short_enough_to_read(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= (450 if name(file) in WHOLE else 400)


def test_every_text_file_is_opened_with_an_encoding() -> None:
    result = ruff("--preview", "--select", "PLW1514", *map(name, SHIPPED))
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("file", sorted(ENGINE.rglob("*.py")), ids=name)
def test_the_engine_knows_neither_comfyui_nor_the_nodes(file: Path) -> None:
    depth = len(file.relative_to(ENGINE).parts)
    for level, module in imports(file):
        if level == 0:
            assert module.split(".")[0] not in COMFYUI | {"remote_video"}
        else:
            assert level <= depth, f"{'.' * level}{module} leaves the engine"


@pytest.mark.parametrize("file", [f for part in MAY_USE for f in sorted((ENGINE / part).rglob("*.py"))], ids=name)
def test_arrows_point_down_only(file: Path) -> None:
    inside = file.relative_to(ENGINE).parts
    for level, module in imports(file):
        if level == len(inside):
            other = module.split(".")[0]
            assert other not in MAY_USE or other in MAY_USE[inside[0]] | {inside[0]}


ONE_DOOR = ENGINE / "operating_system.py"
ASKS = {"os.name", "sys.platform", "sys.getwindowsversion", "os.supports_dir_fd", "os.uname"}
NOT_EVERYWHERE = {
    *("os.fsync", "os.link", "os.replace", "os.rename", "os.register_at_fork", "os.fork", "os.cpu_count"),
    *("os.sched_getaffinity", "os.getuid", "os.geteuid", "os.chown", "os.fchmod", "os.statvfs", "os.strerror"),
    *("os.O_NOFOLLOW", "os.O_DIRECTORY", "os.O_BINARY", "os.O_NONBLOCK", "os.O_CLOEXEC", "signal.SIGKILL"),
    *("signal.SIGHUP", "signal.SIGBREAK", "signal.pause", "signal.alarm", "psutil.RLIMIT_AS"),
    *("errno.ENOSPC", "errno.EDQUOT", "errno.EFBIG", "errno.ENAMETOOLONG"),
}
OF_ONE_SYSTEM = {"platform", "fcntl", "msvcrt", "resource", "winreg", "ctypes", "pwd", "grp", "subprocess"}


def differs(file: Path) -> Iterator[str]:
    """What a file asks of the operating system, or takes from it, that isn't the same on all."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    yield from {module.split(".")[0] for level, module in imports(file) if not level} & OF_ONE_SYSTEM
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in ("os", "sys", "errno", "signal"):
            yield f"from {node.module} import"
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ASKS | NOT_EVERYWHERE:
            yield ast.unparse(node)
        asks = isinstance(node, ast.Call) and ast.unparse(node.func) in ("hasattr", "getattr")
        if asks and ast.unparse(node.args[0]) in ("os", "sys", "signal", "socket", "errno", "psutil", "time"):
            yield ast.unparse(node)


@pytest.mark.parametrize("file", [file for file in SHIPPED if file != ONE_DOOR], ids=name)
def test_only_one_module_asks_what_operating_system_this_is(file: Path) -> None:
    assert sorted(differs(file)) == [], f"that belongs into {name(ONE_DOOR)}"


def test_what_that_module_asks_is_seen() -> None:
    assert ASKS & set(differs(ONE_DOOR)) == {"sys.platform", "os.supports_dir_fd"}
    assert {"subprocess", "getattr(os, 'O_BINARY', 0)", "errno.ENOSPC", "os.fsync"} <= set(differs(ONE_DOOR))


OF_LIBRARIES = re.compile(r"Coroutine\[Any, Any, \w+\]|sa\.(Select|CompoundSelect|Column|ColumnElement)\[Any\]")
"""What asyncio and SQLAlchemy have no other words for."""


@pytest.mark.parametrize("file", [f for r in ("engine", "ledger", "models") for f in sorted((ENGINE / r).glob("*.py"))])
def test_what_others_call_says_what_it_takes_and_gives(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
    classes = [
        one for one in classes if "psycopg.Connection[Any]" not in map(ast.unparse, one.bases)
    ]  # as psycopg has it
    for node in [*tree.body, *(inner for one in classes for inner in one.body)]:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not node.name.startswith("_"):
            hints = [arg.annotation for arg in ast.walk(node.args) if isinstance(arg, ast.arg)] + [node.returns]
            said = [OF_LIBRARIES.sub("", ast.unparse(hint)) for hint in hints if hint is not None]
            assert not any(re.search(r"\bAny\b", hint) for hint in said), f"{node.name}: {said}"


def uses() -> dict[str, set[str]]:
    """Which rooms each room uses, by the imports."""
    found: dict[str, set[str]] = {room: set() for room in (*MAY_USE, "nodes")}
    for file in SHIPPED:
        *folders, _ = file.relative_to(ROOT).parts
        room = folders[-1] if folders == ["nodes"] else folders[1] if len(folders) > 1 else ""
        for level, module in imports(file) if room else ():
            inside = [*folders[: len(folders) - level + 1], *module.split(".")]
            if level and inside[0] == "remote_video" and inside[1] in MAY_USE:
                found[room].add(inside[1])
    return {room: others - {room} for room, others in found.items()}


def test_the_picture_of_the_rooms_is_that_of_the_imports() -> None:
    used = uses()
    below = {room: set[str]() for room in used}
    for _ in used:
        below = {room: others.union(*(used[o] | below[o] for o in others)) for room, others in used.items()}
    needed = {
        (room, other)
        for room, others in used.items()
        for other in others
        if not any(other in below[between] for between in others)
    }
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^    (\w+) --> (\w+)$", page, re.MULTILINE)) == needed


@pytest.mark.parametrize("file", [f for f in SHIPPED if f.parent != ROOT], ids=name)
def test_the_pack_names_itself_by_relative_imports_only(file: Path) -> None:
    assert not [module for level, module in imports(file) if level == 0 and module.split(".")[0] == "remote_video"]
