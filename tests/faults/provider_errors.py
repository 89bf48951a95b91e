"""Every documented error of both providers, in its own body shape, with and without Retry-After."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import formatdate
from time import time
from typing import Any

from .answer import Answer
from .fault import (
    CANCEL,
    COMET,
    CONTENT,
    CREATE,
    RESULT,
    RETRIEVE,
    RUNCOMFY,
    STATUS,
    SUBMIT,
    Alter,
    Call,
    Fault,
    paired,
)

RETRY_AFTER_S = 1
HTML_TYPE = "text/html"
ABOUT_A_REQUEST = (STATUS, RESULT, CANCEL)
REQUEST_ID = "(request id: 2026112014052291)"

RUNCOMFY_CODES: tuple[tuple[str, int, int, str, tuple[str, ...]], ...] = (
    ("400001", 400, 400001, "The model does not exist or was withdrawn.", RUNCOMFY),
    ("400002", 400, 400002, "Insufficient balance.", RUNCOMFY),
    ("400002-as-402", 402, 400002, "Insufficient balance.", RUNCOMFY),
    ("400004", 400, 400004, "The token has expired.", RUNCOMFY),
    ("400004-as-401", 401, 400004, "The token was revoked.", RUNCOMFY),
    ("400005", 400, 400005, "The result is not ready.", (RESULT,)),
    ("403001", 403, 403001, "No permission for this resource.", RUNCOMFY),
    ("404001", 404, 404001, "No such request: wrong, deleted or expired.", ABOUT_A_REQUEST),
    ("422", 422, 422, "The input was refused.", (SUBMIT,)),
    ("422001", 422, 422001, "The input was refused.", (SUBMIT,)),
    ("moderation", 422, 422001, "The input was flagged by content moderation.", (SUBMIT,)),
)
"""Name, HTTP status, error_code, words, routes."""

SHAPES: Mapping[str, Any] = {
    "message": {"message": "Prompt is too long"},
    "error": {"error": "Prompt is too long"},
    "error-object": {"error": {"message": "Prompt is too long", "code": "bad_input"}},
    "detail": {"detail": "Prompt is too long"},
    "detail-list": {"detail": [{"loc": ["body", "prompt"], "msg": "Prompt is too long", "type": "too_long"}]},
    "detail-words": {"detail": ["Prompt is too long", "Image is too small"]},
    "code-as-text": {"error_code": "422001", "error_message": "Prompt is too long"},
    "code-alone": {"error_code": 422001},
    "empty": {},
}

COMET_CODES: tuple[tuple[str, int, str, str, tuple[str, ...]], ...] = (
    ("invalid_request", 400, "invalid_request", "size is not supported", COMET),
    ("invalid_request-as-500", 500, "invalid_request", "size is not supported", COMET),
    ("model_not_found-as-503", 503, "model_not_found", "No available channel for this model", COMET),
    ("401", 401, "", "Invalid token", COMET),
    ("402", 402, "insufficient_balance", "Insufficient balance", COMET),
    ("403", 403, "insufficient_user_quota", "The quota is used up", COMET),
    ("404", 404, "task_not_exist", "The task does not exist", (RETRIEVE, CONTENT)),
    ("moderation", 400, "content_policy_violation", "The prompt was flagged by content moderation", (CREATE,)),
    ("no-code", 400, "", "Something about the request is wrong", COMET),
)
"""Name, HTTP status, code, words, routes."""

PASSING = (500, 502, 503, 504, 524)
"""Statuses that pass by themselves; a gateway sends some of them when the provider has taken the request."""


def _runcomfy(status: int, code: int, words: str) -> Alter:
    payload = {"error_code": code, "error_message": words}
    if status == 422:
        payload["detail"] = [{"loc": ["body", "prompt"], "msg": words, "type": "value_error"}]  # type: ignore[assignment]
    return _says(status, payload)


def _comet(status: int, code: str, words: str) -> Alter:
    text = f"{words} {REQUEST_ID}"
    return _says(status, {"error": {"message": text, "type": "comet_api_error", "param": None, "code": code}})


def _says(status: int, payload: Any) -> Alter:
    def alter(answer: Answer, call: Call) -> Answer:
        return Answer.of(payload, status)

    return alter


def _page(status: int) -> Alter:
    def alter(answer: Answer, call: Call) -> Answer:
        return Answer(status, f"<html><h1>{status}</h1></html>".encode(), {"Content-Type": HTML_TYPE})

    return alter


def _wait(status: int, payload: Any, *, as_date: bool) -> Alter:
    def alter(answer: Answer, call: Call) -> Answer:
        seconds = call.options["seconds"]
        wait = formatdate(time() + seconds, usegmt=True) if as_date else str(seconds)
        return Answer.of(payload, status).with_headers(Retry_After=wait)

    return alter


def _waits(status: int, routes: tuple[str, ...], payload: Any) -> list[Fault]:
    name = f"error-{status}"
    faults = []
    for suffix, says, as_date in (
        ("retry-after", "with Retry-After in `seconds`", False),
        ("retry-after-date", "with Retry-After as a date `seconds` from now", True),
    ):
        alter = _wait(status, payload, as_date=as_date)
        options = {"seconds": RETRY_AFTER_S}
        faults.append(Fault(f"{name}-{suffix}", f"{status} {says}.", routes, False, alter=alter, options=options))
    nonsense = _says_with_header(status, payload, "soon")
    faults.append(Fault(f"{name}-retry-after-nonsense", f"{status}, Retry-After: soon.", routes, False, alter=nonsense))
    return faults


def _says_with_header(status: int, payload: Any, wait: str) -> Alter:
    def alter(answer: Answer, call: Call) -> Answer:
        return Answer.of(payload, status).with_headers(Retry_After=wait)

    return alter


def _passing(status: int) -> list[Fault]:
    words = f"Upstream error {status}"
    runcomfy = {"message": words}
    comet = {"error": {"message": f"{words} {REQUEST_ID}", "type": "comet_api_error", "param": None, "code": ""}}
    return [
        *paired(f"error-{status}", f"{status} as the provider words it.", RUNCOMFY, alter=_says(status, runcomfy)),
        *paired(f"error-{status}", f"{status} as the provider words it.", COMET, alter=_says(status, comet)),
        *paired(
            f"error-{status}-html", f"{status} with a gateway's HTML page.", (*RUNCOMFY, *COMET), alter=_page(status)
        ),
    ]


_BUSY_RUNCOMFY = {"error_code": 429, "error_message": "Too many requests."}
_BUSY_COMET = {
    "error": {"message": f"Rate limit reached {REQUEST_ID}", "type": "comet_api_error", "param": None, "code": "429"}
}

FAULTS: tuple[Fault, ...] = (
    Fault("error-413-html", "413 with a gateway's HTML page.", (SUBMIT, CREATE), False, alter=_page(413)),
    Fault("error-403-html", "403 with a firewall's HTML page.", (SUBMIT, CREATE), False, alter=_page(403)),
    Fault(
        "error-data-uri",
        "422: media have to be https addresses.",
        (SUBMIT,),
        False,
        alter=_runcomfy(422, 422001, "body.image: URL scheme should be 'https'"),
    ),
    *(
        Fault(
            f"error-{name}",
            f"HTTP {status} with error_code {code}: {words}",
            routes,
            False,
            alter=_runcomfy(status, code, words),
        )
        for name, status, code, words, routes in RUNCOMFY_CODES
    ),
    *(
        Fault(
            f"shape-{name}", f"A refusal (422) whose body is shaped {shape}.", (SUBMIT,), False, alter=_says(422, shape)
        )
        for name, shape in SHAPES.items()
    ),
    *(
        Fault(
            f"error-{name}",
            f"HTTP {status} with code {code!r}: {words}.",
            routes,
            False,
            alter=_comet(status, code, words),
        )
        for name, status, code, words, routes in COMET_CODES
    ),
    Fault("error-429", "429 without Retry-After.", RUNCOMFY, False, alter=_says(429, _BUSY_RUNCOMFY)),
    Fault("error-429", "429 without Retry-After.", COMET, False, alter=_says(429, _BUSY_COMET)),
    *_waits(429, RUNCOMFY, _BUSY_RUNCOMFY),
    *_waits(429, COMET, _BUSY_COMET),
    *(fault for status in PASSING for fault in _passing(status)),
    *_waits(503, RUNCOMFY, {"message": "Service unavailable"}),
    *_waits(503, COMET, {"error": {"message": "Service unavailable", "type": "comet_api_error", "code": ""}}),
    Fault(
        "error-code-in-2xx",
        "200 with a top-level error_code: not enough balance.",
        RUNCOMFY,
        False,
        alter=_says(200, {"error_code": 400002, "error_message": "Insufficient balance."}),
    ),
    Fault(
        "error-in-2xx",
        "200 with an error object instead of a task.",
        (CREATE, RETRIEVE),
        False,
        alter=_says(
            200, {"error": {"message": "No quota left", "type": "comet_api_error", "param": None, "code": "quota"}}
        ),
    ),
)
