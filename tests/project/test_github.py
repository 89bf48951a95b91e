"""What GitHub reads: workflows that parse, run what is there and try what is promised; no secret in a pull request."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
PIN = re.compile(r"(actions/[\w-]+)@(v\d+|[0-9a-f]{40})")


def read(path: Path) -> dict[Any, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def workflow(name: str) -> dict[Any, Any]:
    return read(GITHUB / "workflows" / f"{name}.yml")


def triggers(told: dict[Any, Any]) -> dict[str, Any]:
    """`on:`, which YAML reads as true."""
    return told[True]


def steps(told: dict[Any, Any]) -> list[dict[str, Any]]:
    return [step for job in told["jobs"].values() for step in job.get("steps", ())]


def test_the_workflows_have_these_jobs() -> None:
    jobs = {path.stem: sorted(read(path)["jobs"]) for path in WORKFLOWS}
    assert jobs == {
        "tests": ["comfyui", "lint", "test", "test-as-root", "test-with-the-oldest-packages"],
        "publish": ["registry", "tests"],
        "registry": ["state"],
    }


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_only_read_and_is_pinned(path: Path) -> None:
    told = read(path)
    assert told["permissions"] == {"contents": "read"}
    assert set(told["concurrency"]) == {"group", "cancel-in-progress"}
    for name, job in told["jobs"].items():
        if "uses" in job:
            assert (ROOT / job["uses"]).is_file()
            continue
        assert 0 < job["timeout-minutes"] <= 120
        assert job.get("permissions") in (
            {"contents": "write"} if (path.stem, name) == ("publish", "registry") else None,
            None,
        )
    for step in steps(told):
        assert "uses" not in step or PIN.fullmatch(step["uses"]), step
        assert not re.search(r"\$\{\{.*(github\.(head_ref|event\.)|inputs\.)", step.get("run", "")), (
            "a shell would read it"
        )


def test_every_task_that_a_workflow_runs_is_there() -> None:
    told = (ROOT / "Makefile").read_text(encoding="utf-8")
    there = set(re.search(r"^TASKS +:= (.*)$", told, re.MULTILINE)[1].split())
    commands = [step.get("run", "") for path in WORKFLOWS for step in steps(read(path))]
    commands.append(next(hook["entry"] for hook in hooks() if hook["id"] == "lint"))
    named = {task for command in commands for task in re.findall(r"(?:make|tasks\.py) ([a-z-]+)", command)}
    assert {"lint", "test", "test-comfyui"} <= named <= there


def test_a_workflow_takes_only_commands_that_publishing_has() -> None:
    commands = "\n".join(step.get("run", "") for path in WORKFLOWS for step in steps(read(path)))
    source = (ROOT / "publishing" / "__main__.py").read_text(encoding="utf-8")
    there = set(re.findall(r'add_parser\("(\w+)"', source))
    assert set(re.findall(r"-m publishing (\w+)", commands)) == there


def test_the_tests_run_on_every_python_and_system_that_is_promised() -> None:
    about = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    named = [
        re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", one) for one in about["project"]["classifiers"]
    ]
    matrix = workflow("tests")["jobs"]["test"]["strategy"]["matrix"]
    assert matrix["python"] == [found[1] for found in named if found]
    assert matrix["os"] == ["ubuntu-latest", "windows-latest", "macos-latest"]
    assert "continue-on-error" not in workflow("tests")["jobs"]["test"]


def test_they_run_for_root_and_for_a_plain_user_and_in_the_oldest_and_the_newest_comfyui() -> None:
    jobs = workflow("tests")["jobs"]
    assert any("sudo" in step.get("run", "") for step in jobs["test-as-root"]["steps"])
    assert not any("sudo" in step.get("run", "") for step in jobs["test"]["steps"])
    about = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    oldest = about["tool"]["comfy"]["requires-comfyui"].removeprefix(">=").rpartition(".")[0]
    refs = [one["ref"] for one in jobs["comfyui"]["strategy"]["matrix"]["include"]]
    assert refs[0].startswith(f"v{oldest}.") and refs[1:] == ["master"]


def test_a_pull_request_sees_no_secret() -> None:
    for path in WORKFLOWS:
        text, told = path.read_text(encoding="utf-8"), read(path)
        assert "pull_request_target" not in text
        if "pull_request" in triggers(told):
            assert "secrets" not in text and "github.token" not in text
            assert "write" not in text


def test_only_the_owners_repository_publishes_and_only_after_the_tests() -> None:
    told = workflow("publish")
    assert list(triggers(told)) == ["push"] and list(triggers(told)["push"]) == ["tags"]
    assert {job["if"] for job in told["jobs"].values()} == {"github.repository == 'remote-video/remote-video'"}
    registry = told["jobs"]["registry"]
    assert registry["needs"] == "tests"
    runs = [step.get("run", "") for step in registry["steps"]]
    order = ["publishing notes", "comfy-cli==", "node publish", "gh release create", "publishing state"]
    found = [next(number for number, run in enumerate(runs) if part in run) for part in order]
    assert found == sorted(found)
    (publish,) = (step for step in registry["steps"] if "node publish" in step.get("run", ""))
    assert "--changelog-file" in publish["run"] and set(publish["env"]) == {"DO_NOT_TRACK", "TOKEN"}
    (release,) = (step for step in registry["steps"] if "gh release" in step.get("run", ""))
    assert set(release["env"]) == {"GH_TOKEN"}


def hooks() -> list[dict[str, Any]]:
    return [hook for repo in read(ROOT / ".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]


def test_the_hooks_use_the_ruff_that_the_checks_use() -> None:
    revisions = {repo["repo"]: repo.get("rev") for repo in read(ROOT / ".pre-commit-config.yaml")["repos"]}
    pinned = re.search(r"^ruff==(.*)$", (ROOT / "requirements-dev.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert revisions["https://github.com/astral-sh/ruff-pre-commit"] == f"v{pinned[1]}"


def test_what_decides_whether_a_check_passes_has_one_version() -> None:
    lines = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    deciding = lines[next(number for number, line in enumerate(lines) if "decides" in line) + 1 :]
    packages = [line for line in deciding if line and not line.startswith("#")]
    assert len(packages) > 15
    for line in packages:
        assert re.match(r"[\w.-]+(\[\w+\])?==\d", line), line


def test_dependabot_looks_after_the_tools_and_the_actions() -> None:
    told = read(GITHUB / "dependabot.yml")
    assert {update["package-ecosystem"] for update in told["updates"]} == {"pip", "github-actions"}


@pytest.mark.parametrize("form", ["bug", "feature"])
def test_an_issue_form_is_one(form: str) -> None:
    told = read(GITHUB / "ISSUE_TEMPLATE" / f"{form}.yml")
    assert {"name", "description", "body"} <= told.keys()
    ids = [field["id"] for field in told["body"] if field["type"] != "markdown"]
    assert len(ids) == len(set(ids)) > 0
    assert all(field["attributes"].get("label") for field in told["body"] if field["type"] != "markdown")


def test_the_files_that_github_shows_are_there() -> None:
    for name in ("SECURITY.md", "LICENSE", "CONTRIBUTING.md", ".github/CODEOWNERS", ".github/pull_request_template.md"):
        assert (ROOT / name).is_file()
    for link in re.findall(
        r"remote-video/blob/main/(\S+)", (GITHUB / "ISSUE_TEMPLATE" / "config.yml").read_text("utf-8")
    ):
        assert (ROOT / link).is_file()
    for link in re.findall(r"\]\((?!https)([^)#]+)", (ROOT / "SECURITY.md").read_text(encoding="utf-8")):
        assert (ROOT / link).is_file()


def test_every_text_file_ends_its_lines_alike() -> None:
    told = (ROOT / ".gitattributes").read_text(encoding="utf-8")
    assert told.startswith("* text=auto eol=lf\n")
    kinds = {path.suffix for path in (ROOT / "assets").iterdir()} | {".webm", ".mp4"}
    assert all(f"*{kind} binary\n" in told for kind in kinds)
    editor = (ROOT / ".editorconfig").read_text(encoding="utf-8")
    assert "end_of_line = lf" in editor and "max_line_length = 120" in editor
