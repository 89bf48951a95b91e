"""What a provider's answers mean, as two tables: one for submissions, one for requests for a job's state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from remote_video_pack.remote_video import errors
from remote_video_pack.remote_video.errors import Billed
from remote_video_pack.remote_video.providers.classify import classify_no_status, classify_submission
from remote_video_pack.remote_video.providers.response import Response
from remote_video_pack.remote_video.providers.status import JobState, TransientError

CUT_OFF = object()


def response(status: int, payload: Any, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, named, None if payload is CUT_OFF else json.dumps(payload).encode())


def submitted(status: int, payload: Any, **headers: str):
    return classify_submission(
        response(status, payload, **headers),
        provider="Acme",
        model="motion-2",
        request_id_in=lambda body: body.get("id") if isinstance(body, Mapping) else None,
        says_no=lambda body: isinstance(body, Mapping) and bool(body.get("error")),
    )


def error(code: str, words: str = "so it says") -> dict[str, Any]:
    return {"error": {"code": code, "message": words}}


@pytest.mark.parametrize(
    ("status", "payload", "came"),
    [
        (200, {"id": "r"}, "r"),
        (202, {"id": "r", "error": None}, "r"),
        # a definite no: no job exists
        (400, {}, errors.RefusedByProvider),
        (301, {}, errors.RefusedByProvider),
        (404, CUT_OFF, errors.RefusedByProvider),
        (422, {"detail": "too long"}, errors.RefusedByProvider),
        (200, error("odd"), errors.RefusedByProvider),
        (503, error("invalid_request"), errors.RefusedByProvider),
        (400, error("", "blocked by our safety system"), errors.ModerationError),
        (401, {}, errors.AccountError),
        (403, {}, errors.AccountError),
        (500, error("400004"), errors.AccountError),
        (402, {}, errors.BalanceError),
        (429, error("insufficient_quota"), errors.BalanceError),
        (503, error("model_not_found"), errors.ModelGone),
        (200, error("400001"), errors.ModelGone),
        # for now
        (429, {}, errors.RateLimited),
        (429, CUT_OFF, errors.RateLimited),
        (200, error("429"), errors.RateLimited),
        (503, error("429"), errors.RateLimited),
        # nobody knows
        (500, {}, errors.JobUncertain),
        (500, {"id": "r"}, errors.JobUncertain),
        (504, {"id": "r"}, errors.JobUncertain),
        (200, CUT_OFF, errors.JobUncertain),
        (200, {}, errors.JobUncertain),
        (200, ["r"], errors.JobUncertain),
    ],
)
def test_what_an_answer_to_a_submission_means(status, payload, came):
    outcome = submitted(status, payload)
    if isinstance(came, str):
        assert (outcome.request_id, outcome.error, outcome.accepted()) == (came, None, came)
    else:
        assert (outcome.request_id, type(outcome.error)) == (None, came)
        with pytest.raises(came):
            outcome.accepted()


def test_a_turned_away_submission_says_in_whose_words_and_for_how_long():
    busy = submitted(429, error("", "slow down"), Retry_After="7").error
    assert isinstance(busy, errors.RateLimited)
    assert (busy.what, busy.retry_after, busy.billed) == (
        "Acme turned the request away for now: slow down",
        7,
        Billed.NO,
    )
    assert submitted(429, {}).error.retry_after is None


def test_a_lost_submission_is_not_called_free():
    assert submitted(500, {}).error.billed is Billed.UNKNOWN


def test_a_model_that_is_gone_is_named():
    gone = submitted(400, error("400001")).error
    assert "Acme does not know motion-2" in gone.what


@pytest.mark.parametrize(
    ("status", "payload", "means"),
    [
        (400, error("400005"), JobState.RUNNING),
        (404, error("404001"), JobState.NOT_FOUND),
        (200, error("task_not_exist"), JobState.NOT_FOUND),
        (500, error("task_not_found"), JobState.NOT_FOUND),
        (404, {"detail": "Not Found"}, JobState.NOT_FOUND),
        (404, CUT_OFF, TransientError),
        (404, "gone", TransientError),
        (401, {}, errors.AccountError),
        (401, CUT_OFF, errors.AccountError),
        (400, error("400004"), errors.AccountError),
        (200, error("invalid_api_key"), errors.AccountError),
        (403, {}, TransientError),
        (429, {}, TransientError),
        (500, {}, TransientError),
        (301, {"status": "completed"}, TransientError),
        (200, {}, TransientError),
        (200, CUT_OFF, TransientError),
        (200, error("400001"), TransientError),
    ],
)
def test_what_an_answer_without_a_state_means(status, payload, means):
    if isinstance(means, JobState):
        told = classify_no_status(response(status, payload), provider="Acme", request_id="r-9")
        assert (told.state, told.is_undocumented) == (means, False)
    else:
        with pytest.raises(means):
            classify_no_status(response(status, payload), provider="Acme", request_id="r-9")


@pytest.mark.parametrize(
    ("status", "payload", "rate_limited"),
    [(429, {}, True), (429, CUT_OFF, True), (200, error("429"), True), (503, {}, False), (500, error("4290"), False)],
)
def test_a_request_that_came_too_often_says_so_and_for_how_long(status, payload, rate_limited):
    with pytest.raises(TransientError, match="Acme answered") as put_off:
        classify_no_status(response(status, payload, Retry_After="9"), provider="Acme", request_id="r-9")
    assert (put_off.value.rate_limited, put_off.value.retry_after) == (rate_limited, 9)


def test_a_key_refused_while_a_job_is_followed_calls_it_paid_and_names_it():
    with pytest.raises(errors.AccountError, match="so it says") as refused:
        classify_no_status(response(401, error("")), provider="Acme", request_id="r-9")
    assert (refused.value.billed, refused.value.request_id) == (Billed.YES, "r-9")
    assert "a valid Acme key in the Remote Video accounts dialog" in refused.value.next_step
    assert submitted(401, {}).error.billed is Billed.NO
