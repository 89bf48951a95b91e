"""Error answers of any shape, read into one, and turned into the error the user gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import outside_text
from ..errors import (
    AccountError,
    Billed,
    JobFailed,
    JobUncertain,
    ModerationError,
    RemoteVideoError,
)

MODERATION_WORDS = (
    "moderation",
    "content policy",
    "content_policy",
    "safety",
    "flagged",
    "sensitive content",
    "nsfw",
    "prohibited content",
    "responsible ai",
    "usage guidelines",
)


@dataclass(frozen=True)
class Problem:
    """What a provider says went wrong.

    Args:
        code: its error code as text; "" when there is none.
        message: its own words.
    """

    code: str
    message: str

    @property
    def is_moderation(self) -> bool:
        """Whether the words are about content moderation."""
        text = f"{self.code} {self.message}".lower()
        return any(word in text for word in MODERATION_WORDS)


def problem_in(body: Any, fallback: str) -> Problem:
    """Read an error body: `error_code` + `error_message`, or `message`, `error`, `detail` as text, list or object."""
    if not isinstance(body, Mapping):
        return Problem("", outside_text.message(body if isinstance(body, str) and body else fallback))
    inner = body.get("error")
    if isinstance(inner, Mapping):
        said = [inner.get("message"), inner.get("error_message"), body.get("error_message"), inner.get("type")]
        codes = [inner.get("code"), inner.get("error_code"), body.get("error_code"), body.get("code")]
    else:
        said = [body.get("error_message"), body.get("message"), inner]
        codes = [body.get("error_code"), body.get("code")]
    message = "; ".join(filter(None, (_first_words(*said), _words(body.get("detail")))))
    return Problem(outside_text.code(_first_words(*codes)), outside_text.message(message or fallback))


def _first_words(*candidates: Any) -> str:
    return next((text for text in map(_words, candidates) if text), "")


def _words(value: Any) -> str:
    """Text of an error part: `detail` may be a list of `{loc, msg}` objects that name the fields."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        where = value.get("loc") or value.get("field")
        path = ".".join(str(part) for part in where) if isinstance(where, (list, tuple)) else str(where or "")
        said = _first_words(value.get("msg"), value.get("message"), value.get("error")) or str(dict(value))
        return f"{path}: {said}" if path else said
    if isinstance(value, (list, tuple)):
        return "; ".join(filter(None, map(_words, value[:10])))
    return str(value)


NO_MODEL = ("400001", "model_not_found")
NO_BALANCE = ("400002", "insufficient_quota", "insufficient_user_quota")
BAD_KEY = ("400004", "invalid_api_key")
NO_PERMISSION = ("403001",)
BAD_INPUT = ("422", "422001", "invalid_request", "invalid_request_error")
NOT_READY = ("400005",)
NO_SUCH_JOB = ("404001", "task_not_exist", "task_not_found")
FINAL_REFUSALS = (*NO_MODEL, *NO_BALANCE, *BAD_KEY, *NO_PERMISSION, *BAD_INPUT)
"""Codes that are a definite no whatever the HTTP status beside them says."""


def key_refused(problem: Problem, provider: str, request_id: str | None = None) -> AccountError:
    """The error for a key the provider does not accept; `request_id`: of the job it had accepted before."""
    return AccountError(
        f"{provider} does not accept the key: {problem.message}",
        billed=Billed.YES if request_id else Billed.NO,
        next_step=f"Enter a valid {provider} key in the Remote Video accounts dialog (a regenerated key revokes "
        "the old one at once), then run again.",
        request_id=request_id,
        code=problem.code,
    )


def uncertain(provider: str, why: str) -> JobUncertain:
    """The error for a submission that was sent and whose outcome is unknown."""
    return JobUncertain(f"The request was sent to {provider} and {why}: the job may or may not exist.")


def failure(problem: Problem, provider: str, request_id: str) -> RemoteVideoError:
    """The error for a job that failed."""
    if problem.is_moderation:
        return ModerationError(problem.message, request_id=request_id, code=problem.code)
    return JobFailed(f"The job failed at {provider}: {problem.message}", request_id=request_id, code=problem.code)
