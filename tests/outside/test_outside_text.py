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
