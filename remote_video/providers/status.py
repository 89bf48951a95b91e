"""What a provider says of a job, in one shape for all providers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from ..errors import RemoteVideoError


class JobState(Enum):
    """The state of a job at the provider."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    NOT_FOUND = "not_found"
    """The provider knows no such job (any more)."""


STATES = {
    **dict.fromkeys(("in_queue", "queued", "pending", "waiting", "submitted", "not_start"), JobState.QUEUED),
    **dict.fromkeys(("in_progress", "starting", "processing", "running", "unknown"), JobState.RUNNING),
    **dict.fromkeys(("completed", "succeeded", "success", "done"), JobState.SUCCEEDED),
    **dict.fromkeys(("failed", "error", "failure"), JobState.FAILED),
    **dict.fromkeys(("cancelled", "canceled"), JobState.CANCELLED),
}
"""Every word a provider is known to have for a state, lower case. A job of any other word is taken to be running."""


@dataclass(frozen=True)
class MediaSource:
    """Where a finished clip can be downloaded."""

    url: str
    needs_key: bool = False
    """True only for the provider's own API (CometAPI's /content); media hosts never get the key."""


@dataclass(frozen=True)
class JobStatus:
    """One answer about one job.

    Args:
        state: where it stands.
        raw_status: the provider's own word for it; its own sentence when it knows no such job.
        queue_position: place in the queue, 1 is next; None when not said.
        progress: 0..1; None when the provider gives no percentage.
        sources: where the clip can be had, best first; only when it succeeded.
        others: the same of each other file that the job brought.
        error: why it failed, ready to raise; only when it failed.
        cost_usd: what it cost, USD; None when not said (yet).
        is_undocumented: True when `raw_status` is a word nobody has documented: the job is taken to be running.
    """

    state: JobState
    raw_status: str
    queue_position: int | None = None
    progress: float | None = None
    sources: tuple[MediaSource, ...] = ()
    others: tuple[tuple[MediaSource, ...], ...] = ()
    error: RemoteVideoError | None = None
    cost_usd: float | None = None
    is_undocumented: bool = False

    @property
    def files(self) -> tuple[tuple[MediaSource, ...], ...]:
        """Where each of the job's files can be downloaded, the clip first."""
        return self.sources, *self.others


class CancelOutcome(Enum):
    """What became of a request to cancel."""

    CANCELLED = "cancelled"
    NOT_CANCELLABLE = "not_cancellable"
    NOT_OFFERED = "not_offered"
    """The provider has no way to cancel."""
    UNKNOWN = "unknown"
    """No answer that can be trusted."""


class TransientError(Exception):
    """A request got no usable answer this time; asking again is free and may help.

    Args:
        reason: what was wrong with it.
        retry_after: how long the provider asks to wait, s, when it says.
        rate_limited: True when it was asked too often (429).
    """

    def __init__(self, reason: str, retry_after: float | None = None, *, rate_limited: bool = False) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        self.rate_limited = rate_limited


class OnlyPictures(TransientError):
    """The job succeeded, and its result names pictures and no video, which may still come.

    Args:
        cost_usd: what it cost, USD; None when not said (yet).
    """

    def __init__(self, cost_usd: float | None = None) -> None:
        super().__init__("the job succeeded but its result names no video yet, only pictures")
        self.cost_usd = cost_usd


def fraction(value: Any) -> float | None:
    """A progress of 0..1 from 40, 0.4 or "40%"; None from anything else. A whole number counts per cent."""
    per_cent = isinstance(value, int)
    if isinstance(value, str):
        text = value.strip()
        per_cent = not text.startswith("0.")
        try:
            value = float(text.removesuffix("%"))
        except ValueError:
            return None
        per_cent = per_cent or text.endswith("%")
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= 100:
        return None
    return value / 100 if per_cent or value > 1 else float(value)
