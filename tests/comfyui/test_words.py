"""Words from outside on a real ComfyUI: an ordinary error, whatever the console prints, and a queue that lives on."""

from __future__ import annotations

import json

import pytest
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State

from .comfy_server import ComfyServer, failure
from .hostile import CHINESE, MARKUP, refuses, tells_state
from .open_page import open_page
from .outcomes import lives, soon
from .prompts import veo

WORDS = {
    "markup": (MARKUP, MARKUP),
    "half an emoji": ("a\ud83d", "a\\ud83d"),
    "escape sequence": ("\x1b[2J\x1b]0;x\x07", "\\x1b[2J\\x1b]0;x\\x07"),
    "lines": ("x\nNot billed: all is well.", "x\\nNot billed: all is well."),
    "direction": ("\u202ex", "\\u202ex"),
    "Chinese": (CHINESE, CHINESE),
}
"""What a provider says, and how its code is shown."""
CONSOLES = {"utf-8": "comfy", "cp1252": "cp1252_comfy", "gbk": "gbk_comfy"}
PREFIXES = ["/<img src=x onerror=1>", "/\ud83d", "/\x1b[2J", f"/{CHINESE}"]


@pytest.fixture(params=list(CONSOLES))
def server(request, provider) -> ComfyServer:
    """A server on each console."""
    yield request.getfixturevalue(CONSOLES[request.param])
    provider.faults.clear()


@pytest.mark.parametrize("words", list(WORDS))
def test_a_refusal_in_any_words_is_an_ordinary_error_and_another_prompt_runs(server, provider, words):
    said, shown = WORDS[words]
    log_before = len(server.log())
    refuses(provider, said)
    with open_page(server, words) as page:
        told = failure(server.outcome(server.queue(veo(words), client_id=words)))
        assert f"(code {shown})" in told
        soon(lambda: page.shows("2", f"(code {shown})"), "the text")
    job = Ledger(server.home).recent(1)[0]
    assert (job.state, shown in job.error) == (State.REFUSED, True)
    provider.faults.clear()
    lives(server, log_before)
    assert "RunComfy refused the request" in server.log()[log_before:]


def test_a_clip_in_any_words_is_saved_with_its_whole_workflow(server, provider):
    """Half an emoji in a note; a prompt, a state and a file's name that the console can't print."""
    log_before = len(server.log())
    tells_state(provider, CHINESE)
    note = {"id": 9, "type": "Note", "widgets_values": ["half \ud83d"]}
    prompt = veo(CHINESE)
    prompt["2"]["inputs"]["filename_prefix"] = CHINESE
    with open_page(server, "saved") as page:
        more = {"client_id": "saved", "extra_data": {"extra_pnginfo": {"workflow": {"nodes": [note]}}}}
        outcome = server.outcome(server.queue(prompt, **more))
        assert outcome["status"]["status_str"] == "success", failure(outcome)
        soon(lambda: page.shows("2", f"{CHINESE}_00001_.mp4: $"), "the end")
        assert any(CHINESE in text for text in page.texts["2"][:-1]), "the state"
    clip = server.saved(outcome["outputs"]["2"]["images"][0])
    kept = json.loads(clip.with_suffix(".json").read_text(encoding="utf-8"))
    assert kept["nodes"][0]["widgets_values"] == ["half \\ud83d"] or kept == {"nodes": [note]}
    lives(server, log_before)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_after_any_word_of_a_workflow_another_prompt_runs(server, prefix):
    log_before = len(server.log())
    prompt = veo("words")
    prompt["2"]["inputs"]["filename_prefix"] = prefix
    assert "filename_prefix" in failure(server.outcome(server.queue(prompt)))
    lives(server, log_before)


def test_a_console_that_lacks_a_letter_shows_it_escaped(provider, cp1252_comfy, gbk_comfy):
    chinese = CHINESE.split()[0]
    refuses(provider, CHINESE)
    for server in (cp1252_comfy, gbk_comfy):
        assert CHINESE in failure(server.outcome(server.queue(veo("on a console"))))
    provider.faults.clear()
    printed = cp1252_comfy.log_file.read_bytes()
    assert chinese.encode("ascii", "backslashreplace") in printed
    printed = gbk_comfy.log_file.read_bytes()
    assert f"{chinese} \\U0001f6ab".encode("gbk") in printed
