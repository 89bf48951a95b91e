"""Whatever words come in, at any entry: only errors of this pack come out, and all they say can be printed."""

from __future__ import annotations

import ast
import io
import json
import logging
import os
import sys
import unicodedata
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from remote_video_pack.nodes.accounts_panel import save_account
from remote_video_pack.nodes.jobs_panel import forget_job
from remote_video_pack.nodes.literals import read_literals
from remote_video_pack.remote_video.__main__ import main
from remote_video_pack.remote_video.accounts import Accounts
from remote_video_pack.remote_video.clips.media_host import Reach, check_url, next_url, secured
from remote_video_pack.remote_video.clips.output_file import target
from remote_video_pack.remote_video.command_line.inputs import model_named, values_of
from remote_video_pack.remote_video.command_line.table import read_table
from remote_video_pack.remote_video.errors import InputRefused, RemoteVideoError
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.media.clip import Clip
from remote_video_pack.remote_video.models import MODELS
from remote_video_pack.remote_video.models.media_fields import Picture
from remote_video_pack.remote_video.outside_text import HIDDEN, JOINERS
from remote_video_pack.remote_video.providers.clip_urls import files_in
from remote_video_pack.remote_video.settings import Settings
from remote_video_pack.remote_video.uploads import choose

from ..models.field_of import needed

ROOT = Path(__file__).resolve().parents[2]
SPEAKING = [*(ROOT / "remote_video").rglob("*.py"), *(ROOT / "nodes").rglob("*.py")]
VARIABLES = [
    "REMOTE_VIDEO_SANDBOX",
    "REMOTE_VIDEO_TIMEOUT_S",
    "REMOTE_VIDEO_MAX_PARALLEL",
    "REMOTE_VIDEO_COLLECT",
    "REMOTE_VIDEO_UPLOADS",
    "REMOTE_VIDEO_S3_BUCKET",
    "REMOTE_VIDEO_S3_ENDPOINT",
    "REMOTE_VIDEO_S3_REGION",
    "REMOTE_VIDEO_S3_PREFIX",
    "REMOTE_VIDEO_S3_EXPIRES_S",
    "REMOTE_VIDEO_PUBLIC_ORIGIN",
    "REMOTE_VIDEO_FAKE_IP_RANGES",
    "RUNCOMFY_API_BASE_URL",
    "COMETAPI_BASE_URL",
]
ODD = (
    "\ud83d",
    "\udc80",
    "\x1b[2J\x1b]0;owned\x07",
    "x\nNot billed: all is well.",
    "\r\x0b\x0c\x85\u2028\u2029",
    "\u202egnp.exe",
    "<img src=x onerror=alert(1)>",
    "[[Top up|https://evil.example]]",
    "\u5185\u5bb9\u8fdd\u89c4 \U0001f6ab",
    "con",
    "nul.mp4",
    "../../x",
    "http://[::1",
    "1e999",
    "nan",
    "9" * 5000,
    "x" * 9000,
    "/" * 3000 + "x",
)
TEXT = st.one_of(
    st.sampled_from(ODD),
    st.text(st.characters(exclude_categories=())),
    st.builds("".join, st.lists(st.sampled_from(ODD) | st.text(max_size=3), max_size=3)),
)
FEW = settings(max_examples=40, deadline=None)
VALUE = st.one_of(
    TEXT,
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(10**5000),
    st.floats(),
    st.lists(TEXT, max_size=2),
    st.dictionaries(TEXT, TEXT, max_size=2),
)


def assert_can_be_shown(text: str, most_lines: int = 1) -> None:
    assert len(text) < 9000
    assert len(text.splitlines()) <= most_lines
    hidden = {char for char in text if unicodedata.category(char) in HIDDEN and char not in JOINERS}
    assert hidden <= {"\n"}, hidden
    for encoding in ("cp1252", "gbk", "utf-8"):
        io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace").write(text)
    text.encode("utf-8")


def told(entry: Callable[[], Any]) -> RemoteVideoError | None:
    """The error of ours that an entry ends in, looked through; any other error is raised."""
    try:
        entry()
    except RemoteVideoError as error:
        for part in (error.what, error.next_step, error.request_id or "", error.code or ""):
            assert_can_be_shown(part)
        assert_can_be_shown(str(error), 4)
        return error
    return None


# -- entries -----------------------------------------------------------------------------------------------------------


@FEW
@given(TEXT, TEXT)
def test_a_filename_prefix(tmp_path_factory, text, folder):
    output = tmp_path_factory.getbasetemp() / "prefixes"
    for prefix in (text, f"{folder}/{text}", f"video/{text}.mp4"):

        def name(prefix: str = prefix) -> None:
            place = target(output, prefix)
            assert place.folder.is_relative_to(output.resolve())
            assert_can_be_shown(place.exact.name)

        told(name)


@pytest.mark.parametrize("spec", MODELS, ids=lambda spec: spec.node_id)
@FEW
@given(st.data())
def test_the_values_of_a_node(spec, data):
    names = [field.name for field in spec.fields if not isinstance(field, Picture)]
    names += ["multi_shot", "shot_1_prompt", "shot_1_duration", "elements"]
    given_values = data.draw(st.dictionaries(st.sampled_from(names), VALUE, max_size=3))
    told(lambda: spec.request({**needed(spec), **given_values}))
    spec.problem(given_values)
    posted = dict(given_values)
    read_literals(posted, {field.name: field for field in spec.fields})
    for value in posted.values():
        if hasattr(value, "reason"):
            told(lambda value=value: _raise(value.reason))


def _raise(error: Exception) -> None:
    raise error


@FEW
@given(st.dictionaries(st.sampled_from(VARIABLES), TEXT, min_size=1, max_size=3))
def test_environment_variables(tmp_path_factory, environment):
    folder = tmp_path_factory.getbasetemp()

    def read() -> None:
        known = Settings.from_environment(folder, environment)
        choose("runcomfy", known, folder)

    told(read)


@FEW
@given(TEXT, st.binary(max_size=200))
def test_keys_and_the_account_file(tmp_path_factory, key, content):
    home = tmp_path_factory.getbasetemp() / "accounts"
    told(lambda: Accounts(home).save("runcomfy", key))
    home.mkdir(mode=0o700, exist_ok=True)
    (home / "accounts.json").write_bytes(content)
    (home / "accounts.json").chmod(0o600)
    assert told(lambda: Accounts(home).find("runcomfy"))
    (home / "accounts.json").unlink()


@FEW
@example("https://" + "\u00e9" * 9000 + "/clip.mp4", "")
@example("http://" + "a" * 9000 + ":81/", "")
@given(TEXT, TEXT)
def test_addresses_of_clips(address, location):
    for url in (address, f"https://{address}/clip.mp4", f"https://host.example/{address}"):
        for reach in (Reach(), Reach(allow_loopback=True)):
            told(lambda url=url, reach=reach: check_url(url, reach, allow_plain=True))
            secured(url, reach)
        told(lambda url=url: next_url(url, location))
    files_in({"video": address, "videos": [location, {"url": address}]})


@FEW
@given(st.dictionaries(TEXT | st.sampled_from(["key", "provider"]), VALUE, max_size=3))
def test_what_the_panel_is_asked(tmp_path_factory, body):
    known = Settings(tmp_path_factory.getbasetemp() / "panel")
    for answer in (save_account, forget_job):
        told(lambda answer=answer: answer(known, body))


@FEW
@given(st.lists(st.lists(TEXT, max_size=4), max_size=3), st.sampled_from([".csv", ".jsonl"]), st.binary(max_size=50))
def test_a_table_of_shots(tmp_path_factory, cells, suffix, raw):
    file = tmp_path_factory.getbasetemp() / f"table{suffix}"
    text = "\n".join(json.dumps(dict(enumerate(row))) if suffix == ".jsonl" else ",".join(row) for row in cells)
    for content in (text.encode("utf-8", "surrogatepass"), raw):
        file.write_bytes(content)

        def read() -> None:
            for row in read_table(file):
                if isinstance(row, InputRefused):
                    told(lambda row=row: _raise(row))
                    continue
                for spec in MODELS:
                    told(lambda row=row, spec=spec: values_of(spec, row, file.parent))

        told(read)
    told(lambda: model_named(text))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems don't take such names")
@FEW
@given(TEXT)
def test_names_of_files(tmp_path_factory, text):
    name = text.replace("/", "_").replace("\0", "_").encode("utf-8", "replace")[:100] + b"\xff\x1b"
    path = Path(bytes(tmp_path_factory.getbasetemp()).decode()) / name.decode("utf-8", "surrogateescape")
    path.write_bytes(b"no clip")
    assert told(lambda: Clip.open(path))
    told(lambda: read_table(path))
    for spec in MODELS:
        for field in spec.fields:
            told(lambda spec=spec, field=field: values_of(spec, {field.name: path.name}, path.parent))
    assert told(lambda: Ledger(path))
    assert told(lambda: Accounts(path).find("runcomfy"))
    path.unlink()


@settings(max_examples=15, deadline=None)
@given(TEXT.map(lambda text: os.fsdecode(text.encode("utf-8", "replace")[:5000].replace(b"\0", b"") + b"\xff")))
def test_the_command_lines_words(tmp_path_factory, text):
    home = tmp_path_factory.getbasetemp() / "no\x1b\nhome\udc80"
    for words in (
        ["make", text, "--home", str(home)],
        ["make", "Veo3I2V", "--set", text, "--home", str(home)],
        ["make", "Veo3I2V", "--image", text, "--prompt", text, "--seed", text, "--home", str(home)],
        ["batch", text, "--out", "x", "--home", str(home)],
        ["jobs", "--home", str(home)],
        ["forget", text, "--home", str(home)],
    ):
        out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        try:
            with redirect_stdout(out), redirect_stderr(out):
                assert main([word if word == words[0] or word.startswith("--") else f"x{word}" for word in words]) != 0
        except SystemExit:
            continue
        out.seek(0)
        assert_can_be_shown(out.buffer.getvalue().decode("utf-8"), 8)


# -- what is said ------------------------------------------------------------------------------------------------------


@FEW
@given(TEXT, TEXT)
def test_a_log_line_is_one_line_that_can_be_printed_and_so_is_each_of_its_traceback(text, other):
    heard = io.StringIO()
    handler = logging.StreamHandler(heard)
    logger = logging.getLogger("remote_video")
    logger.addHandler(handler)
    try:
        logger.warning("%s of %s", text, Path(other.replace("\0", "")))
        assert_can_be_shown(heard.getvalue().removesuffix("\n"))
        try:
            raise ValueError(text)
        except ValueError:
            logger.exception("A fault: %s", other)
    finally:
        logger.removeHandler(handler)
    for line in heard.getvalue().split("\n"):
        assert_can_be_shown(line)


@pytest.mark.parametrize("file", SPEAKING, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_nothing_is_quoted_but_at_the_door_and_nothing_printed_past_it(file):
    """`repr` leaves what it likes and knows no bound; `print` is for what programs read."""
    if "sandbox" in file.parts:
        return
    tree = ast.parse(file.read_text(encoding="utf-8"))
    quoting = [node for node in ast.walk(tree) if isinstance(node, ast.FormattedValue) and node.conversion == ord("r")]
    assert quoting == [], [node.lineno for node in quoting]
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Name) and call.func.id == "print" and file.name != "console.py":
            assert ast.unparse(call.args[0]).startswith("json.dumps(") or ast.unparse(call.args[0]).endswith(
                "clip.path"
            )
