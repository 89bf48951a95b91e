"""Trying a key with a free question: whether its provider takes it, and what it then says of the account."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from ..errors import RemoteVideoError
from .http import Api
from .problem import BAD_KEY, problem_in
from .response import MAX_LISTING_BYTES, Response
from .status import TransientError

WITHIN_S = 8.0
"""For each answer: somebody looks at a dialog."""


class Verdict(Enum):
    """What came of trying a key."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNANSWERED = "unanswered"
    """No answer, or one that says nothing of the key."""


@dataclass(frozen=True)
class Trial:
    """What is known of an account.

    Args:
        verdict: on its key.
        words: the provider's own, or why there is no answer; "" when the key is accepted.
        balance_usd: what the account has left, USD; None where that is not said.
        models: how many the provider lists for it; None where that is not said.
    """

    verdict: Verdict
    words: str = ""
    balance_usd: float | None = None
    models: int | None = None


def ask_with_key(api: Api, path: str) -> tuple[Trial, Any]:
    """Ask a free question; what that says of the key, and the answer's JSON where the key is accepted. Never raises."""
    try:
        response = api.get(path, within=WITHIN_S, most_bytes=MAX_LISTING_BYTES)
    except TransientError as trouble:
        return Trial(Verdict.UNANSWERED, str(trouble)), None
    except RemoteVideoError as trouble:
        return Trial(Verdict.UNANSWERED, f"{trouble.what} {trouble.next_step}"), None
    body = response.json()
    verdict = verdict_of(response)
    return Trial(verdict, "" if verdict is Verdict.ACCEPTED else problem_in(body, response.summary).message), body


def verdict_of(response: Response) -> Verdict:
    """What an answer says of the key it was asked with. A page with 403 is a gateway's, and says nothing of it."""
    body = response.json()
    code = problem_in(body, "").code
    if code in BAD_KEY or response.status == 401 or (response.status == 403 and body is not None):
        return Verdict.REFUSED
    is_answer = response.status < 300 and isinstance(body, (dict, list))
    is_error = isinstance(body, dict) and bool(body.get("error_code") or body.get("error"))
    return Verdict.ACCEPTED if is_answer and not is_error else Verdict.UNANSWERED
