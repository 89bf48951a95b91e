"""What every test stands on: the pack loaded once as ComfyUI loads it, no keys, no way off this machine."""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

PACK_FOLDER = Path(__file__).resolve().parent.parent
PACK_NAME = "remote_video_pack"
STANDIN_FOLDER = Path(__file__).resolve().parent / "comfy_standin"

KEY_VARIABLES = (
    "RUNCOMFY_API_TOKEN",
    "RUNCOMFY_TOKEN",
    "RUNCOMFY_API_KEY",
    "YOUR_API_TOKEN",
    "COMETAPI_KEY",
    "COMETAPI_API_KEY",
    "COMET_API_KEY",
)
SOAK_VARIABLE = "REMOTE_VIDEO_SOAK"
"""Not the user's: `make soak` sets it."""
SHOTS_VARIABLE = "REMOTE_VIDEO_SHOTS"
"""Nor this: where screenshots go."""
PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


LONG = (
    "engine/test_fault_matrix_cometapi.py",
    "engine/test_crash.py",
    "engine/test_fault_matrix_runcomfy.py",
    "engine/test_database_trouble.py",
    "engine/test_fault_matrix_in_postgres.py",
    "engine/test_collector_crash.py",
    "media/test_encode.py",
    "engine/test_crash_in_postgres.py",
    "project/test_demo.py",
    "media/test_hostile.py",
    "command_line/test_check.py",
    "command_line/test_jobs.py",
    "ledger/test_damage.py",
    "network/test_networks.py",
    "command_line/test_make.py",
    "media/test_fit.py",
    "command_line/test_costs.py",
    "command_line/test_batch.py",
    "project/test_tasks.py",
    "engine/test_ledger_trouble.py",
)
"""Files that take half a minute or more, the longest first; those that mostly wait stand between those that compute."""


def _clean_environment() -> None:
    """Take the user's keys, settings and proxies out of this process before anything reads them."""
    for name in list(os.environ):
        ours = name.startswith("REMOTE_VIDEO_") and name not in (SOAK_VARIABLE, SHOTS_VARIABLE)
        if name in KEY_VARIABLES or name.upper() in PROXY_VARIABLES or ours:
            del os.environ[name]
    for name in ("RUNCOMFY_API_BASE_URL", "COMETAPI_BASE_URL"):
        os.environ.pop(name, None)


def _offer_comfy_standin() -> None:
    """Let `import comfy_api` find the stand-in where there is no ComfyUI."""
    if importlib.util.find_spec("comfy_api") is None:
        sys.path.append(str(STANDIN_FOLDER))


def _hide_top_level_folder() -> None:
    """Leave one way to import the pack: `python -m pytest` would offer its inner packages under a second name."""
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != PACK_FOLDER]


def _load(name: str, file: Path, *, package_folder: Path | None = None) -> None:
    if name in sys.modules:
        return
    folders = None if package_folder is None else [str(package_folder)]
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=folders)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


def _same_examples_each_time() -> None:
    """Let hypothesis try the same each time, so that a change fails by itself alone; `make soak` tries others."""
    if not os.environ.get(SOAK_VARIABLE):
        settings.register_profile("the same each time", derandomize=True)
        settings.load_profile("the same each time")


_clean_environment()
_same_examples_each_time()
_hide_top_level_folder()
_offer_comfy_standin()
_load(PACK_NAME, PACK_FOLDER / "__init__.py", package_folder=PACK_FOLDER)
if (COUNTS_FILE := Path(__file__).with_name("counts.py")).exists():
    _load("counts", COUNTS_FILE)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own for ledger, account file and sandbox state: `REMOTE_VIDEO_HOME`."""
    folder = tmp_path / "home"
    monkeypatch.setenv("REMOTE_VIDEO_HOME", str(folder))
    return folder


@pytest.fixture(autouse=True)
def no_engine_is_left() -> Iterator[None]:
    """The host's engine looks its home up anew each time: one that is left would collect in the next tests' homes."""
    yield
    host = sys.modules.get("remote_video_pack.nodes.comfy_host")
    engine = host.running_engine() if host is not None else None
    if engine is not None and not engine.has_ended:
        engine.close()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory):
    """The PostgreSQL server that all tests of this run share: to make databases in, not to be stopped."""
    from .postgres.shared import need_postgres, shared_server

    need_postgres()
    return shared_server(tmp_path_factory)


@pytest.fixture
def postgres_url(postgres) -> Iterator[str]:
    """The address of a new and empty database, by TCP and with a password."""
    with postgres.database() as name:
        yield postgres.url(name)


@pytest.fixture
def own_postgres():
    """A PostgreSQL server of this test alone, to be stopped, killed and started again."""
    from .postgres.server import private_server
    from .postgres.shared import need_postgres

    need_postgres()
    with private_server() as server:
        yield server


def _leaves_this_machine(family: int, address: object) -> bool:
    if family not in (socket.AF_INET, socket.AF_INET6) or not isinstance(address, tuple):
        return False
    host = str(address[0])
    return not (host == "localhost" or host.startswith("127.") or host in ("::1", "::ffff:127.0.0.1", "0.0.0.0", ""))


@pytest.fixture(autouse=True, scope="session")
def loopback_only():
    """Fail any connection that would leave this machine, at the socket itself."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded(original):
        def to_loopback(self: socket.socket, address):
            if _leaves_this_machine(self.family, address):
                raise ConnectionRefusedError(f"tests stay on this machine; something wanted to reach {address!r}")
            return original(self, address)

        return to_loopback

    socket.socket.connect = guarded(connect)
    socket.socket.connect_ex = guarded(connect_ex)
    yield
    socket.socket.connect, socket.socket.connect_ex = connect, connect_ex


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file stays on one of the processes that test side by side: those that take long begin first."""
    folder = Path(__file__).parent
    ranks = {folder / name: rank for rank, name in enumerate(LONG)}
    items.sort(key=lambda item: ranks.get(item.path, len(LONG)))


def pytest_terminal_summary(terminalreporter) -> None:
    """Print what the suites counted (faults tried, processes killed, files mutated ...)."""
    counts = getattr(sys.modules.get("counts"), "COUNTS", None)
    if counts:
        terminalreporter.section("counts")
        for name, count in sorted(counts.items()):
            terminalreporter.write_line(f"{count:>8}  {name}")
