"""Words from outside, behind the door: safe to store, print and show."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from remote_video_pack.remote_video import outside_text
from remote_video_pack.remote_video.errors import RefusedByProvider, RemoteVideoError
from remote_video_pack.remote_video.providers.classify import classify_no_status, classify_submission
from remote_video_pack.remote_video.providers.response import Response
from remote_video_pack.remote_video.providers.status import TransientError

KEY = "sk-Ab+/c=1234567"
FIELDS = ["error", "error_code", "error_message", "message", "code", "detail", "status", "loc", "msg"]
ANY_TEXT = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    "echoed",
    [
        b'{"message": "key sk-Ab\\u002B\\/c=1234567 is bad"}',
        '{"message": "key sk-Ab+/c=1234567 is bad"}'.encode("utf-16"),
        b'{"message": "key sk-Ab%2b%2Fc%3D1234567 is bad"}',
        b'{"message": "key sk-Ab&#43;/c&#x3d;1234567 is bad"}',
        b'{"message": "key SK-AB+/C=1234567 is bad"}',
    ],
)
def test_a_key_that_an_answer_repeats_is_taken_out_after_decoding(echoed):
    assert Response(400, {}, echoed, KEY).json() == {"message": "key [key] is bad"}


def test_what_cannot_be_seen_is_shown_on_one_line():
    assert outside_text.message("a\x1b[2J\nb\u202ec\ud83d \U0001f6ab") == "a\\x1b[2J b\\u202ec\\ud83d \U0001f6ab"
    assert outside_text.code("x\nNot billed: all is well.") == "x\\nNot billed: all is well."


@pytest.mark.parametrize(
    ("door", "most"),
    [(outside_text.message, 2000), (outside_text.code, 200), (outside_text.beginning, 200), (outside_text.line, 4000)],
)
def test_as_many_characters_as_allowed_stand_whole_and_more_are_cut_and_said(door, most):
    assert door("x" * most) == "x" * most
    assert door("x" * (most + 1)) == door("x" * (most + 900)) == "x" * (most - 3) + "..."


def test_what_is_hidden_counts_by_what_is_shown_of_it():
    assert outside_text.code("\x07" * 51) == "\\x07" * 49 + "\\..."


def test_the_beginning_of_a_longer_text_is_one_line_without_the_key():
    assert outside_text.beginning(f"  a\n\tb {KEY}\r\n c ", KEY) == "a b [key] c"


@pytest.mark.parametrize(
    ("key", "shown"), [("12345678", "a [key] b"), ("1234567", "a 1234567 b"), ("", "a  b")], ids=["8", "7", "none"]
)
def test_a_key_too_short_to_be_told_from_a_word_is_left(key, shown):
    assert outside_text.without_key(f"a {key} b", key) == shown


def test_a_key_is_taken_out_of_names_lists_and_objects():
    answer = json.dumps({f"of {KEY}": [{"in": f"{KEY}!"}, 7, None, True]}).encode()
    assert Response(200, {}, answer, KEY).json() == {"of [key]": [{"in": "[key]!"}, 7, None, True]}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("r-1", "r-1"),
        (" r-1\n", "r-1"),
        (77, "77"),
        (0, "0"),
        ("...a", "...a"),
        ("x" * 200, "x" * 200),
        ("x" * 201, None),
        ("", None),
        (" ", None),
        (".", None),
        ("..", None),
        ("a\tb", None),
        ("a\x00", None),
        (True, None),
        (1.5, None),
        (None, None),
        (["r-1"], None),
    ],
)
def test_an_id_stands_in_a_path_and_in_the_ledger_or_is_none(value, text):
    assert outside_text.id_text(value) == text


class Unsayable:
    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a\nb", "'a\\nb'"),
        (7, "7"),
        (0.5, "0.5"),
        (None, "'None'"),
        ("x" * 80, "'" + "x" * 80 + "'"),
        ("x" * 81, "'" + "x" * 77 + "...'"),
        (10**5000, "a int"),
        (Unsayable(), "'a Unsayable'"),
    ],
    ids=["words", "int", "float", "none", "80", "81", "huge", "raises"],
)
def test_a_value_stands_in_a_sentence_words_in_quotes_and_numbers_without(value, shown):
    assert outside_text.quoted(value) == shown


def test_lines_of_ours_stay_several():
    assert outside_text.lines("a\x1bb\n" + "x" * 4001) == "a\\x1bb\n" + "x" * 3997 + "..."


def test_what_is_stored_keeps_all_but_halves_of_pairs():
    assert outside_text.storable("a\n\x1b\u202e \U0001f6ab\ud83d\0") == "a\n\x1b\u202e \U0001f6ab\\ud83d\\x00"


def test_what_scripts_and_emoji_are_joined_by_is_no_hidden_character():
    family = "\U0001f468\u200d\U0001f469 \u0645\u06cc\u200c\u062e"
    assert outside_text.message(family) == family


@given(ANY_TEXT)
def test_words_behind_the_door_are_bounded_one_line_and_storable(text):
    for words, limit in ((outside_text.message(text * 50), 2000), (outside_text.code(text * 50), 200)):
        assert len(words) <= limit
        assert len(words.splitlines()) <= 1
        words.encode("utf-8")


@given(ANY_TEXT)
def test_an_error_can_be_stored_whatever_it_is_about(text):
    str(RefusedByProvider(text)).encode("utf-8")


def _request_id(body):
    return None


@given(
    st.one_of(
        st.binary(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
            lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
        ),
    ),
    st.sampled_from([200, 302, 400, 401, 403, 404, 413, 429, 500]),
    st.dictionaries(st.sampled_from(["Content-Type", "Location", "Retry-After"]), ANY_TEXT),
)
def test_of_any_answer_only_errors_of_ours_come_out(body, status, headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = Response(status, headers, raw, KEY)
    outcome = classify_submission(
        response, provider="P", model="m", request_id_in=_request_id, says_no=lambda found: False
    )
    words = [str(outcome.error)]
    assert isinstance(outcome.error, RemoteVideoError)
    try:
        words.append(classify_no_status(response, provider="P", request_id="r").raw_status)
    except (RemoteVideoError, TransientError) as error:
        words.append(str(error))
    for text in words:
        for encoding in ("cp1252", "gbk", "utf-8"):
            io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace").write(text)
        text.encode("utf-8")
