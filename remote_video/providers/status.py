"""What a provider says of a job, in one shape for all providers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from ..errors import RemoteVideoError
from ..models.request import Request
from ..uploads import Upload


class JobState(Enum):
    """Where a job stands at the provider."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    GONE = "gone"
    """The provider knows no such job (any more)."""


@dataclass(frozen=True)
class MediaSource:
    """Where a finished clip can be had."""

    url: str
    needs_key: bool = False
    """True only for the provider's own API (CometAPI's /content); media hosts never get the key."""


@dataclass(frozen=True)
class JobStatus:
    """One answer about one job.

    Args:
        state: where it stands.
        word: the provider's own word for it.
        queue_position: place in the queue, 1 is next; None when not said.
        progress: 0..1; None when the provider gives no percentage.
        sources: where the clip can be had, best first; only when it succeeded.
        error: why it failed, ready to raise; only when it failed.
        cost_usd: what it cost, USD; None when not said (yet).
        unknown_word: True when `word` is one nobody has documented: the job is taken to be running.
    """

    state: JobState
    word: str
    queue_position: int | None = None
    progress: float | None = None
    sources: tuple[MediaSource, ...] = ()
    error: RemoteVideoError | None = None
    cost_usd: float | None = None
    unknown_word: bool = False


class CancelOutcome(Enum):
    """What became of a request to cancel."""

    CANCELLED = "cancelled"
    NOT_CANCELLABLE = "not_cancellable"
    NOT_OFFERED = "not_offered"
    """The provider has no way to cancel."""
    UNKNOWN = "unknown"
    """No answer that can be trusted."""


class NotSent(Exception):
    """The connection for a submission never opened: not a byte of it left, it may be tried again."""


class Busy(Exception):
    """429: the submission was turned away for now; nothing was accepted.

    Args:
        reason: the provider's words.
        retry_after: how long it asks to wait, s, when it says.
    """

    def __init__(self, reason: str, retry_after: float | None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Passing(Exception):
    """A question got no usable answer this time; asking again is free and may help.

    Args:
        reason: what was wrong with it.
        retry_after: how long the provider asks to wait, s, when it says.
    """

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


@dataclass(frozen=True)
class Submission:
    """A request as it goes on the wire."""

    path: str
    body: list[bytes]
    content_type: str
    notices: tuple[str, ...] = ()


class Provider(Protocol):
    """A remote service that makes clips. Every call blocks, and belongs on a worker thread."""

    name: str
    """What people call it."""
    identity: str
    """What tells its base apart in a job key: the base URL, or "sandbox"."""
    tells_cost: bool
    """Whether it says what a job cost, if only a moment after the job's end."""

    def prepare(self, request: Request, upload: Upload) -> Submission:
        """Encode the images and build the body. Nothing is submitted."""
        ...

    def submit(self, submission: Submission) -> str:
        """Submit once and return the request id.

        Raises:
            NotSent: the connection never opened.
            Busy: turned away for now (429).
            JobUncertain: bytes left and no usable answer came.
            RemoteVideoError: a definite refusal, in the provider's words.
        """
        ...

    def status(self, request_id: str) -> JobStatus:
        """Ask where a job stands.

        Raises:
            Passing: no usable answer this time.
            AccountError: the key is not accepted (the job is not harmed).
        """
        ...

    def cancel(self, request_id: str) -> CancelOutcome:
        """Ask to cancel a job. Never raises for an answer that can't be understood: that is UNKNOWN."""
        ...

    def authorise(self, url: str) -> dict[str, str]:
        """Headers for a MediaSource that needs the key; empty for any URL outside the provider's own API."""
        ...


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


def id_text(value: Any) -> str | None:
    """A provider's id as text; None for what can't be one: it has to stand in a URL's path and in the ledger."""
    text = str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    return text if text.isprintable() and text.strip(".") else None
