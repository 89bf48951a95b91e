"""`python -m publishing`: what the registry reads is checked, and what it says of a version is asked for."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
VERSION = re.search(r'^version = "(.*)"$', PROJECT, re.MULTILINE)[1]
FINDINGS = [
    {"scanner": "yara_scan", "severity": "info", "issue_type": "python_network_operations", "file_path": "web/a.js"},
    {"scanner": "yara_scan", "issue_type": "python_environment_manipulation", "metadata": {"lines": [1]}},
]


def _fields() -> ModuleType:
    """The module, which is no part of the pack."""
    spec = spec_from_file_location("publishing_fields", ROOT / "publishing" / "fields.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


fields = _fields()


def publishing(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "publishing", *arguments],
        cwd=root,
        env={**os.environ, "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What a release needs of the repository, to be changed."""
    shutil.copytree(ROOT / "publishing", tmp_path / "publishing", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "assets", tmp_path / "assets")
    for name in ("pyproject.toml", "LICENSE", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


# -- pyproject.toml ----------------------------------------------------------------------------------------------------


def faults_with(clone: Path, line: str, instead: str) -> list[str]:
    """What is said of pyproject.toml with another line in the place of that one."""
    changed, times = re.subn(rf"^{line}$", instead, PROJECT, count=1, flags=re.MULTILINE)
    assert times == 1
    (clone / "pyproject.toml").write_text(changed, encoding="utf-8")
    return fields.faults(fields.project(clone), clone)


def test_the_registry_can_read_all_of_it(clone: Path) -> None:
    told = publishing(ROOT, "fields")
    assert (told.returncode, told.stderr) == (0, "")
    (clone / "pyproject.toml").write_text("", encoding="utf-8")
    told = publishing(clone, "fields")
    assert (told.returncode, told.stdout) == (1, "")
    assert "project.version: X.Y.Z" in told.stderr


@pytest.mark.parametrize(
    ("line", "instead", "field"),
    [
        (r'version = ".*"', 'dynamic = ["version"]', "project.version"),
        (r'version = ".*"', 'version = "1.2.3rc1"', "project.version"),
        (r'version = ".*"', 'version = "1.2"', "project.version"),
        (r'name = ".*"', 'name = "comfyui-remote-video"', "project.name"),
        (r'name = ".*"', 'name = "remote--video"', "project.name"),
        (r"license = .*", 'license = "LICENSE"', "project.license"),
        (r"license = .*", 'license = { file = "LICENCE" }', "project.license"),
        (r'Repository = ".*"', 'Repository = "git@github.com:a/b"', "project.urls.Repository"),
        (r'requires-python = ".*"', 'requires-python = ">=3.9"', "project.requires-python"),
        (r'    "Operating System :: .*",', '    "Operating System :: Linux",', "project.classifiers"),
        (
            r'    "Operating System :: (.*)",',
            r'    "Operating System :: \1", "Environment :: GPU",',
            "project.classifiers",
        ),
        (r'requires-comfyui = ".*"', 'requires-comfyui = ">=0.12"', "tool.comfy.requires-comfyui"),
        (r'requires-comfyui = ".*"', 'requires-comfyui = ">=0.12.0, <1"', "tool.comfy.requires-comfyui"),
        (r'requires-comfyui = ".*"', "", "tool.comfy.requires-comfyui"),
        (r'PublisherId = ".*"', 'PublisherId = "Remote Video"', "tool.comfy.PublisherId"),
        (r'DisplayName = ".*"', 'DisplayName = ""', "tool.comfy.DisplayName"),
        (r'Icon = ".*"', 'Icon = "assets/icon.png"', "tool.comfy.Icon"),
        (r'Banner = ".*"', 'Banner = "https://raw.example/assets/flag.png"', "tool.comfy.Banner"),
        (r"includes = .*", 'includes = ["dist"]', "tool.comfy.includes"),
    ],
)
def test_what_it_would_refuse_or_leave_out_is_said(clone: Path, line: str, instead: str, field: str) -> None:
    assert [said.partition(":")[0] for said in faults_with(clone, line, instead)] == [field]


@pytest.mark.parametrize("wanted", [">=0.12.0,<1.0.0", ">=0.12.0, <1.0.0", "==0.33.0"])
def test_several_bounds_of_comfyui_are_one_of_its_forms(clone: Path, wanted: str) -> None:
    assert faults_with(clone, r'requires-comfyui = ".*"', f'requires-comfyui = "{wanted}"') == []


# -- a release ---------------------------------------------------------------------------------------------------------


def test_the_version_is_the_newest_release_of_the_changelog() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[(.*?)\](.*)$", text, re.MULTILINE)
    released = [heading for heading in headings if heading[0] != "Unreleased"]
    assert headings[0][0] == "Unreleased" or headings == released
    assert released[0][0] == VERSION
    assert all(re.fullmatch(r" - \d{4}-\d\d-\d\d", day) for _, day in released)
    told = publishing(ROOT, "notes", f"v{VERSION}")
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("### ")


def test_the_notes_are_those_of_the_release_alone(clone: Path) -> None:
    released = "## [0.2.0] - 2026-12-01\n\n### Fixed\n\n- this\n\n"
    text = f"# Changelog\n\n## [Unreleased]\n\n- new\n\n{released}## [0.1.0] - 2026-11-20\n\n- old\n"
    (clone / "CHANGELOG.md").write_text(text, encoding="utf-8")
    (clone / "pyproject.toml").write_text(PROJECT.replace(f'"{VERSION}"', '"0.2.0"'), encoding="utf-8")
    assert publishing(clone, "notes", "v0.2.0").stdout == "### Fixed\n\n- this\n"
    for wrong in (
        text.replace(" - 2026-12-01", ""),
        text.replace("## [0.2.0] - 2026-12-01", ""),
        text.replace("### Fixed\n\n- this", ""),
    ):
        (clone / "CHANGELOG.md").write_text(wrong, encoding="utf-8")
        told = publishing(clone, "notes", "v0.2.0")
        assert (told.returncode, told.stdout) == (1, "")
        assert "CHANGELOG.md" in told.stderr


@pytest.mark.parametrize("tag", ["v9.9.9", VERSION, f"v{VERSION}rc1"])
def test_a_tag_of_another_version_is_refused(tag: str) -> None:
    told = publishing(ROOT, "notes", tag)
    assert (told.returncode, told.stdout) == (1, "")
    assert f"the tag has to be v{VERSION}" in told.stderr


# -- what the registry says --------------------------------------------------------------------------------------------


class Registry(ThreadingHTTPServer):
    """The registry's API on loopback: it answers in turn, and with its last answer from then on."""

    answers: list[tuple[int, Any]]
    asked: list[str]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Registry

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        answers = self.server.answers
        status, told = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(told.encode() if isinstance(told, str) else json.dumps(told).encode())

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry(("127.0.0.1", 0), _Handler) as server:
        server.asked = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def versions(status: str, reason: Any = "") -> list[dict[str, Any]]:
    """The registry's answer: an older version is offered, ours is in this state."""
    older = {"version": "0.0.1", "status": "NodeVersionStatusActive"}
    return [{"version": VERSION, "status": f"NodeVersionStatus{status}", "status_reason": reason}, older]


def state(registry: Registry, *answers: tuple[int, Any], wait: str = "0") -> subprocess.CompletedProcess[str]:
    registry.answers = list(answers)
    return publishing(ROOT, "state", "--api", registry.address, "--wait", wait)


def test_a_version_that_is_offered_is_well(registry: Registry) -> None:
    told = state(registry, (200, versions("Active", "Passed automated checks")))
    assert (told.returncode, told.stdout) == (0, f"remote-video {VERSION} is offered.\n")
    assert registry.asked == ["/nodes/remote-video/versions?include_status_reason=true"]


@pytest.mark.parametrize("reason", [json.dumps(FINDINGS), FINDINGS])
def test_a_version_that_is_flagged_fails_and_its_findings_are_said(registry: Registry, reason: Any) -> None:
    told = state(registry, (200, versions("Flagged", reason)))
    assert (told.returncode, told.stdout) == (1, "")
    assert "is NOT offered: NodeVersionStatusFlagged" in told.stderr
    assert "issue_type: python_network_operations, file_path: web/a.js" in told.stderr
    assert "python_environment_manipulation" in told.stderr
    assert "docs/registry.md" in told.stderr
    assert (ROOT / "docs" / "registry.md").is_file()


@pytest.mark.parametrize("status", ["Banned", "Deleted", "SomethingNew"])
def test_any_state_but_offered_and_waiting_fails(registry: Registry, status: str) -> None:
    told = state(registry, (200, versions(status, "by hand")))
    assert told.returncode == 1
    assert status in told.stderr and "by hand" in told.stderr


def test_a_scan_that_is_not_done_is_waited_for(registry: Registry) -> None:
    code = (
        "from publishing.state import verdict; import sys\n"
        f"print(verdict(sys.argv[1], 'remote-video', {VERSION!r}, 30, pause_s=0.01))"
    )
    registry.answers = [(200, versions("Pending")), (200, versions("Pending")), (200, versions("Flagged", "why"))]
    command = [sys.executable, "-c", code, registry.address]
    told = subprocess.check_output(command, cwd=ROOT, encoding="utf-8", env={**os.environ, "NO_PROXY": "127.0.0.1"})
    assert told.startswith("(False") and "why" in told
    assert len(registry.asked) == 3


def test_a_scan_that_is_not_done_in_time_is_no_failure(registry: Registry) -> None:
    told = state(registry, (200, versions("Pending")))
    assert told.returncode == 0
    assert "not offered yet" in told.stdout


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, [{"version": "0.0.1", "status": "NodeVersionStatusActive"}]), "it was not published"),
        ((200, []), "it was not published"),
        ((404, {"message": "Node not found"}), "could not be asked"),
        ((503, ""), "could not be asked"),
        ((200, "<html>"), "could not be asked"),
    ],
)
def test_a_registry_that_does_not_know_it_or_does_not_answer_fails(
    registry: Registry, answer: tuple[int, Any], said: str
) -> None:
    """comfy-cli ends well also where the archive could not be uploaded."""
    told = state(registry, answer)
    assert (told.returncode, told.stdout) == (1, "")
    assert said in told.stderr
