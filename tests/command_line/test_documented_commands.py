"""Every `python -m remote_video` of README, docs/ and CONTRIBUTING, typed as it stands there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from remote_video_pack.remote_video.__main__ import _parser, main
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State

from ..ledger.rows import ME, job_in
from ..project.documented import PAGES, RUN_BY_TESTS, commands
from .terminal import Terminal

WRITTEN = sorted({command.text for command in commands() if command.text.startswith(RUN_BY_TESTS)})
SERVES = f"{RUN_BY_TESTS}sandbox"
"""Until Ctrl-C: test_jobs.py runs it."""
EXAMPLES = {
    "MODEL": "Veo3I2V",
    "TABLE": "shots.csv",
    "DIR": "clips",
    "CLIP...": "a.mp4 b.mp4",
    "KEY": "0123456789ab",
    "AGE": "90d",
    "FILE": "more.json",
}
PAGE = PAGES["docs/command-line.md"]


@pytest.fixture
def typed(terminal: Terminal, home: Path, small_mp4: bytes, monkeypatch: pytest.MonkeyPatch):
    """Types a command in a folder that has the files it names, with a job in the ledger."""
    ledger = Ledger(home)
    job_in(ledger, State.FAILED)
    ledger.retire(ME)
    terminal.picture()
    terminal.write("shots.csv", "model,image,prompt", "Veo3I2V,photo.jpg,a sea", "Veo3I2V,photo.jpg,a hill")
    for name in ("a.mp4", "b.mp4"):
        (terminal.folder / name).write_bytes(small_mp4)
    monkeypatch.chdir(terminal.folder)
    return lambda text, **environment: terminal.call(*shlex.split(text.removeprefix(RUN_BY_TESTS)), **environment)


@pytest.mark.parametrize(
    "text", [text for text in WRITTEN if not text.startswith((SERVES, f"{RUN_BY_TESTS}ledger")) and "..." not in text]
)
def test_a_command_does_what_its_page_says(typed, terminal: Terminal, text: str) -> None:
    done = typed(text)
    assert done.returncode in ((0, 1) if text.endswith(" check") else (0,)), done.stderr
    assert "Traceback" not in done.stderr
    for file in re.findall(r"-o (\S+)|--out (\S+)", text):
        assert (terminal.folder / "".join(file)).exists()
    if " make " in text:
        assert Path(done.stdout.splitlines()[-1]).is_file()


@pytest.mark.parametrize("text", [text for text in WRITTEN if text.startswith(f"{RUN_BY_TESTS}ledger")])
def test_a_command_of_a_shared_ledger_does_what_its_page_says(typed, home: Path, postgres_url: str, text: str) -> None:
    done = typed(text.replace("/path/to/ComfyUI/user/__remote_video", str(home)), REMOTE_VIDEO_LEDGER_URL=postgres_url)
    assert done.returncode == 0, done.stderr


def parses(text: str) -> None:
    """Raises SystemExit where the command line knows no such command or option."""
    for name, value in EXAMPLES.items():
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", value, text)
    _parser().parse_args(shlex.split(text))


@pytest.mark.parametrize("text", [text for text in WRITTEN if text.startswith(SERVES)])
def test_a_command_that_serves_is_one(text: str) -> None:
    parses(text.removeprefix(RUN_BY_TESTS))


def rows() -> list[str]:
    table = PAGE.partition("| command | what it does |")[2].partition("\n\n")[0]
    return re.findall(r"^\| (`.*?`) \| (.*) \|$", table, flags=re.MULTILINE)


def listed() -> list[str]:
    return [span for first, _ in rows() for span in re.findall(r"`([^`]+)`", first)]


@pytest.mark.parametrize("text", listed())
def test_a_command_of_the_table_is_one(text: str) -> None:
    parses(text)


def options_of(command: str, capsys: pytest.CaptureFixture[str]) -> set[str]:
    with pytest.raises(SystemExit):
        main([*command.split(), "--help"])
    return set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", capsys.readouterr().out))


def test_the_table_has_every_command_and_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    known = set(re.findall(r"^    (\w+) ", capsys.readouterr().out, flags=re.MULTILINE))
    assert {text.split()[0] for text in listed()} == known
    for first, text in rows():
        names = [" ".join(re.findall(r"^(?:ledger )?\w+", span)) for span in re.findall(r"`([^`]+)`", first)]
        options = set().union(*(options_of(name, capsys) for name in names))
        assert set(re.findall(r"`(--[\w-]+)", text)) <= options, first


def test_the_commands_that_print_json_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    (named,) = re.findall(r"^`--json` \((.*?)\)", PAGE, flags=re.MULTILINE)
    for text in listed():
        name = re.match(r"(?:ledger )?\w+", text)[0]
        assert (f"`{name}`" in named) == ("--json" in options_of(name, capsys)), name
