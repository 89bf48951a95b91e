"""What has to come of every fault, by the design's table: the promise, written apart from the engine that keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from remote_video_pack.remote_video import errors
from remote_video_pack.remote_video.ledger.lifecycle import State

from ..faults import BodyFate, Fault


class Afterwards(Enum):
    """What a second run does once the fault is gone."""

    SAME_JOB = "ends with the clip of the same job, without a POST"
    ANEW = "submits anew: certainly no job of the first run can bring a clip"
    ASKS_USER = "raises again, without a POST"


@dataclass(frozen=True)
class Outcome:
    """How a run ends: with the clip (`error` is None) or with an error, and what the ledger says then."""

    error: type[errors.RemoteVideoError] | None
    state: State
    afterwards: Afterwards


CLIP = Outcome(None, State.STORED, Afterwards.SAME_JOB)
UNREACHABLE = Outcome(errors.NotSent, State.REFUSED, Afterwards.ANEW)
BUSY = Outcome(errors.RateLimited, State.REFUSED, Afterwards.ANEW)
REFUSED = Outcome(errors.RefusedByProvider, State.REFUSED, Afterwards.ANEW)
INPUT_REFUSED = Outcome(errors.RefusedByProvider, State.REFUSED, Afterwards.ANEW)
NO_BALANCE = Outcome(errors.BalanceError, State.REFUSED, Afterwards.ANEW)
NO_ACCESS = Outcome(errors.AccountError, State.REFUSED, Afterwards.ANEW)
MODEL_GONE = Outcome(errors.ModelGone, State.REFUSED, Afterwards.ANEW)
MODERATED = Outcome(errors.ModerationError, State.REFUSED, Afterwards.ANEW)
UNCERTAIN = Outcome(errors.JobUncertain, State.UNCERTAIN, Afterwards.ASKS_USER)
STILL_RUNNING = Outcome(errors.StillRunning, State.SUBMITTED, Afterwards.SAME_JOB)
KEY_REFUSED = Outcome(errors.AccountError, State.SUBMITTED, Afterwards.SAME_JOB)
KEY_REFUSED_AT_THE_END = Outcome(errors.AccountError, State.FINISHED, Afterwards.SAME_JOB)
FAILED = Outcome(errors.JobFailed, State.FAILED, Afterwards.ANEW)
WITHHELD = Outcome(errors.ModerationError, State.FAILED, Afterwards.ANEW)
CANCELLED = Outcome(errors.JobCancelled, State.CANCELLED, Afterwards.ANEW)
EXPIRED = Outcome(errors.JobExpired, State.EXPIRED, Afterwards.SAME_JOB)
EXPIRED_FOR_GOOD = Outcome(errors.JobExpired, State.EXPIRED, Afterwards.ASKS_USER)
NOT_DOWNLOADED = Outcome(errors.DownloadError, State.FINISHED, Afterwards.SAME_JOB)

READABLE = ("json-as-text", "length-not-a-number", "length-not-a-number:accepted", "state-missing")
"""Not in order, but all that is needed came."""

SUBMISSION: Mapping[str, Outcome] = {
    "refuse": UNREACHABLE,
    "redirect-301": REFUSED,
    "redirect-307": REFUSED,
    "error-429": BUSY,
    "error-429-retry-after": BUSY,
    "error-429-retry-after-date": BUSY,
    "error-429-retry-after-nonsense": BUSY,
    "error-400001": MODEL_GONE,
    "error-400002": NO_BALANCE,
    "error-400002-as-402": NO_BALANCE,
    "error-400004": NO_ACCESS,
    "error-400004-as-401": NO_ACCESS,
    "error-403001": NO_ACCESS,
    "error-422": INPUT_REFUSED,
    "error-422001": INPUT_REFUSED,
    "error-moderation": MODERATED,
    "error-code-in-2xx": NO_BALANCE,
    "error-invalid_request": INPUT_REFUSED,
    "error-invalid_request-as-500": INPUT_REFUSED,
    "error-model_not_found-as-503": MODEL_GONE,
    "error-413-html": REFUSED,
    "error-403-html": REFUSED,
    "error-data-uri": INPUT_REFUSED,
    "error-401": NO_ACCESS,
    "error-402": NO_BALANCE,
    "error-403": NO_BALANCE,
    "error-no-code": REFUSED,
    "error-in-2xx": REFUSED,
    "id-hostile": EXPIRED_FOR_GOOD,
}
"""A definite no. Whatever else goes wrong with a submission may have been accepted."""

WAITING: Mapping[str, Outcome] = {
    "states-backwards": CLIP,
    "finished-then-running": CLIP,
    "error-400004": KEY_REFUSED,
    "error-400004-as-401": KEY_REFUSED,
    "error-401": KEY_REFUSED,
    "vanished": EXPIRED,
    "error-404001": EXPIRED,
    "error-404": EXPIRED,
    "completed-but-failed": FAILED,
    "completed-but-flagged": WITHHELD,
    "completed-but-cancelled": CANCELLED,
    "failed": FAILED,
    "failed-as-error": FAILED,
    "failed-by-moderation": WITHHELD,
}
"""What says how the job stands. After anything else the run goes on asking until its deadline."""

ENDS_AT_ONCE = (KEY_REFUSED, KEY_REFUSED_AT_THE_END, FAILED, WITHHELD, CANCELLED)
"""Said once is enough."""

BAD_ADDRESSES = ("private-address", "metadata-address", "credentials")
NO_ADDRESSES = ("file", "not-a-url")

RESUMED = ("range-ignored", "range-refused", "range-shifted", "etag-changed", "etag-changed-206", "no-validators")
"""Faults that only a broken download meets."""

REFUSED_ADDRESSES = (
    "length-terabyte",
    "endless-body",
    "redirect-http",
    "redirect-private",
    "redirect-metadata",
    "redirect-private-ipv6",
    "redirect-mapped-ipv4",
    "redirect-decimal",
    "redirect-file",
)
"""Where asking again is no use: the run says so at once."""


def after_submission(fault: Fault) -> Outcome:
    """Something is wrong with the POST, for as long as the run lasts."""
    if fault.harmless or fault.name in READABLE:
        return CLIP
    if fault.name.startswith("shape-"):
        return INPUT_REFUSED
    assert fault.body is BodyFate.READ or fault.name not in SUBMISSION
    return SUBMISSION.get(fault.name, UNCERTAIN)


def while_waiting(fault: Fault, *, passing: bool, has_content_route: bool, looks_at_result: bool = False) -> Outcome:
    """Something is wrong with the answers about a job; a passing fault hits the first one alone.

    Args:
        has_content_route: the clip can be had at the provider's own API, whatever address is named.
        looks_at_result: a state that isn't said is looked for in another answer.
    """
    if fault.harmless or fault.name in READABLE:
        return CLIP
    if fault.name == "json-empty-object" and looks_at_result:
        return CLIP
    if fault.name.removeprefix("output-") in BAD_ADDRESSES:
        return CLIP if has_content_route else NOT_DOWNLOADED
    if fault.name == "output-plain-http":
        return CLIP if has_content_route or passing else NOT_DOWNLOADED
    if has_content_route and fault.name.removeprefix("output-") in NO_ADDRESSES:
        return CLIP
    outcome = WAITING.get(fault.name, STILL_RUNNING)
    return CLIP if passing and outcome not in ENDS_AT_ONCE else outcome


def asking_for_addresses(fault: Fault, *, passing: bool) -> Outcome:
    """Something is wrong with the answer that tells, once more, where a finished clip is (CometAPI)."""
    outcome = while_waiting(fault, passing=passing, has_content_route=True)
    if outcome in (KEY_REFUSED,):
        return KEY_REFUSED_AT_THE_END
    if outcome in (STILL_RUNNING, FAILED, WITHHELD):
        return CLIP if passing else NOT_DOWNLOADED
    return outcome


def while_fetching(fault: Fault, *, passing: bool, has_other_address: bool) -> Outcome:
    """Something is wrong with the clip on its way; another address may be worth asking again."""
    if fault.harmless or fault.name in READABLE:
        return CLIP
    if fault.name in RESUMED:
        return CLIP
    asks_again = has_other_address or fault.name not in REFUSED_ADDRESSES
    return CLIP if passing and asks_again else NOT_DOWNLOADED


def is_cancelled(fault: Fault) -> bool:
    """Something is wrong with the answer to a cancel: whether it still tells that the job was cancelled."""
    return fault.harmless or fault.name in READABLE
