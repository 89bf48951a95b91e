"""Every command of README, docs/ and CONTRIBUTING that no test can run is held against what it names.

Those that begin with `python -m remote_video` are run, in tests/command_line/test_documented_commands.py.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from packaging.requirements import Requirement
from remote_video_pack.remote_video.__main__ import _parser
from remote_video_pack.remote_video.settings import Settings

from .documented import ROOT, RUN_BY_TESTS, Command, commands
from .test_studio_page import Read

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ABOUT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OF_OTHERS = {"pysocks"}
"""Packages that no feature of the pack brings: requests asks for them."""
FOLDERS = {"ComfyUI/custom_nodes", ABOUT["name"]}


class Rule(NamedTuple):
    """Why commands of a kind are not run, and what is looked at instead; an assertion that fails says what is wrong."""

    kind: str
    why_not_run: str
    check: Callable[[str, Any], None]


def target_exists(command: str, tmp_path: Any) -> None:
    if shutil.which("make") is None:
        pytest.skip("there is no make here")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        ["make", "--dry-run", *shlex.split(command)[1:]], cwd=ROOT, env=environment, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def is_a_measurement(command: str, tmp_path: Any) -> None:
    source = (ROOT / "benchmarks" / "__main__.py").read_text(encoding="utf-8")
    for part in command.partition("-m benchmarks ")[2].split():
        assert f'"{part}"' in source, part


def folders_exist(command: str, tmp_path: Any) -> None:
    assert all((ROOT / part).exists() for part in command.split() if part.startswith("tests/"))


def can_be_read(command: str, tmp_path: Any) -> None:
    _parser().parse_args(shlex.split(command.partition("remote_video ")[2]))


def is_a_task(command: str, tmp_path: Any) -> None:
    """A target of `make` is a task of tasks.py."""
    target_exists(command.replace("python tasks.py", "make"), tmp_path)


def is_a_step_of_publishing(command: str, tmp_path: Any) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command.split()[2:], "--help"], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def packages_are_an_extras(command: str, tmp_path: Any) -> None:
    wanted = {Requirement(text).name for text in shlex.split(command.partition("pip install")[2])}
    extras = {Requirement(text).name for group in ABOUT["optional-dependencies"].values() for text in group}
    assert wanted and wanted <= extras | OF_OTHERS


def extras_exist(command: str, tmp_path: Any) -> None:
    (named,) = re.findall(r"\.\[([\w,]+)\]", command)
    assert set(named.split(",")) <= set(ABOUT["optional-dependencies"])


def script_exists(command: str, tmp_path: Any) -> None:
    assert (ROOT / command.split()[1] / "__main__.py").is_file()


def is_this_repository(command: str, tmp_path: Any) -> None:
    assert command == f"git clone {ABOUT['urls']['Repository']}"


def is_a_known_folder(command: str, tmp_path: Any) -> None:
    assert command.removeprefix("cd ") in FOLDERS


def is_this_pack(command: str, tmp_path: Any) -> None:
    assert command == f"comfy node install {ABOUT['name']}"


def workflow_exists(command: str, tmp_path: Any) -> None:
    _, _, flag, workflow, wait = shlex.split(command)
    assert (flag, wait) == ("--workflow", "--wait") and (ROOT / workflow).is_file()


def variable_is_read(command: str, tmp_path: Any) -> None:
    (assignment,) = re.findall(r"^(?:export |set |\$env:)?(\w+=[^ ]+)", command)
    name, value = assignment.split("=", 1)
    environment = Read({name: value.strip('"').replace("$HOME", "/home/mia")})
    settings = Settings.from_environment(tmp_path, environment)
    assert name in environment.names
    assert settings != Settings.from_environment(tmp_path, {}), "it changes nothing"


def is_studio_s(command: str, tmp_path: Any) -> None:
    """tests/project/test_studio_page.py reads the compose file and what it is told."""


def options_exist(command: str, tmp_path: Any) -> None:
    program, *arguments = shlex.split(command)
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program} here")
    shown = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    for option in re.findall(r"--[\w-]+", " ".join(arguments)):
        assert option in shown


def is_comfyui_s(command: str, tmp_path: Any) -> None:
    """Files of ComfyUI's Windows portable build; this repository holds none of them."""


def is_a_name(command: str, tmp_path: Any) -> None:
    """What it names is somebody else's, or (`make MODEL`) in the table that the command line's own test reads."""


IN_ITSELF = "it would run this suite, or take minutes; demo/ is run by tests/project/test_demo.py"
NETWORK = "no test leaves this machine"
RULES = (
    Rule(r"make( \w+=\S+)?( [a-z-]+)?( \w+=\S+)?", IN_ITSELF, target_exists),
    Rule(r"python tasks\.py( [a-z-]+)?", IN_ITSELF, is_a_task),
    Rule(r"python -m publishing \w+", NETWORK, is_a_step_of_publishing),
    Rule(r"\.venv/bin/python -m benchmarks .+", "it takes minutes", is_a_measurement),
    Rule(r"\.venv/bin/python -m pytest .+", IN_ITSELF, folders_exist),
    Rule(r"\.venv/bin/python -m remote_video make AcmeMotion .+", "its model is an example", can_be_read),
    Rule(r"\.venv/bin/python tests/releases", "it writes into this repository", script_exists),
    Rule(r"(python -m )?pip install (?!\W*\.).+", NETWORK, packages_are_an_extras),
    Rule(r"pip install .\.\[.+\].", NETWORK, extras_exist),
    Rule(r"git clone .+", NETWORK, is_this_repository),
    Rule(r"cd .+", "it only says where", is_a_known_folder),
    Rule(r"comfy node install .+", NETWORK, is_this_pack),
    Rule(r"comfy run .+", "tests/comfyui/test_comfy_cli.py runs it where there is a ComfyUI", workflow_exists),
    Rule(r"(export |set |\$env:)?[A-Z_]+=.+?( python main\.py)?", "ComfyUI is not here", variable_is_read),
    Rule(r"docker compose up -d|echo .+", "it needs Docker", is_studio_s),
    Rule(r"pg_(dump|restore) .+", "it needs a server of one's own", options_exist),
    Rule(
        r"python main\.py|(\.\\)?run_nvidia_gpu\.bat|[.\\]+python_embeded\\python\.exe( -s ComfyUI\\main\.py)?",
        "ComfyUI is not here",
        is_comfyui_s,
    ),
    Rule(r"git pull|pip install( \.)?|python|comfy|make MODEL", "it stands in a sentence, as a name", is_a_name),
)
WRITTEN = sorted({command.text for command in commands()})
OTHERS = [text for text in WRITTEN if not text.startswith(RUN_BY_TESTS)]


def rules_of(text: str) -> list[Rule]:
    return [rule for rule in RULES if re.fullmatch(rule.kind, text)]


@pytest.mark.parametrize("text", OTHERS)
def test_a_command_that_is_not_run_names_what_exists(text: str, tmp_path: Any) -> None:
    rules = rules_of(text)
    assert rules, "run it in a test, or add a rule that says why not and what to look at instead"
    rules[0].check(text, tmp_path)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.kind)
def test_each_exception_is_needed(rule: Rule) -> None:
    assert any(rules_of(text)[:1] == [rule] for text in OTHERS)


def test_commands_are_found_in_blocks_and_in_sentences() -> None:
    found = set(commands())
    assert Command("CONTRIBUTING.md", "make lint") in found
    assert Command("docs/settings.md", "pip install boto3") in found
    assert len(found) > 60
