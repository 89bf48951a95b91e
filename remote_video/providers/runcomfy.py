"""RunComfy's Model API: queue, status, result, cancel.

Source: https://docs.runcomfy.com/model-apis (async queue endpoints). Where its pages and its published clients
disagree, both are understood. `/status` "completed" means finished, not succeeded: `/result` decides.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ..errors import JobFailed, ModerationError, RemoteVideoError
from ..models.request import EncodedMedia, Image, Request, Video
from ..patience import USUAL, Patience
from ..uploads import Upload
from .clip_urls import clip_urls
from .http import Api
from .problem import BAD_KEY, FINAL_REFUSALS, NO_SUCH_JOB, NOT_READY, key_refused, problem_in, refusal
from .status import CancelOutcome, JobState, JobStatus, MediaSource, Passing, Submission, fraction, id_text
from .submission import submit_once

QUEUED = frozenset({"in_queue", "queued", "pending", "waiting"})
RUNNING = frozenset({"in_progress", "starting", "processing", "running"})
FINISHED = frozenset({"completed", "succeeded", "success", "failed", "error"})
SUCCEEDED = frozenset({"succeeded", "completed", "success"})
FAILED = frozenset({"failed", "error"})
CANCELLED = frozenset({"cancelled", "canceled"})
CALL = "/v1/requests/{}/{}"
MOST_USD = 1e6
"""A clip that costs more is a mistake in the answer."""


class RunComfy:
    """The provider behind four of the five models. See `status.Provider`."""

    name = "RunComfy"
    tells_cost = True

    def __init__(self, base_url: str, key: str, identity: str | None = None, patience: Patience = USUAL) -> None:
        self.identity = identity or base_url
        self._api = Api(base_url, key, patience)

    def prepare(self, request: Request, upload: Upload) -> Submission:
        """Encode every image, put it where RunComfy can read it, and build the JSON body."""
        urls: dict[str, bytes] = {}
        notices: list[str] = []

        def place(media: object) -> str:
            if not isinstance(media, (Image, Video)):
                raise TypeError(f"{type(media).__name__} has no place in a request")
            encoded: EncodedMedia = media.encode()
            notices.extend(encoded.notices)
            mark = uuid.uuid4().hex
            urls[mark] = json.dumps(upload.url_for(encoded.data, encoded.mime)).encode("ascii")
            return mark

        skeleton = json.dumps(dict(request.body), default=place).encode("ascii")
        path = "/v1/models/" + quote(request.model.model_id, safe="/")
        return Submission(path, _filled(skeleton, urls), "application/json", tuple(notices))

    def submit(self, submission: Submission) -> str:
        """POST the job once. Raises as `status.Provider.submit` says."""
        return submit_once(
            self._api,
            submission,
            provider=self.name,
            model=submission.path.removeprefix("/v1/models/"),
            request_id_in=_request_id,
            says_no=lambda body: isinstance(body, Mapping) and bool(body.get("error_code")),
        )

    def status(self, request_id: str) -> JobStatus:
        """Read /status and, once that says finished, /result. Raises Passing, AccountError."""
        said = self._read(CALL.format(quote(request_id, safe=""), "status"), request_id)
        if isinstance(said, JobStatus):
            return said
        word = _word(said)
        if word in FINISHED or not word:
            return self._result(request_id)
        return JobStatus(
            state=_state_of(word),
            word=word,
            queue_position=_whole_number(said.get("queue_position")),
            progress=fraction(said.get("progress")),
            unknown_word=word not in QUEUED | RUNNING | CANCELLED,
        )

    def cancel(self, request_id: str) -> CancelOutcome:
        """Ask to cancel; RunComfy does so only for a queued job. The answer's `outcome` decides, not its `status`."""
        try:
            answer = self._api.post_again(CALL.format(quote(request_id, safe=""), "cancel"))
        except Passing:
            return CancelOutcome.UNKNOWN
        body = answer.json()
        outcome = _lower(body.get("outcome")) if isinstance(body, Mapping) else ""
        if outcome in CANCELLED:
            return CancelOutcome.CANCELLED
        if outcome == "not_cancellable":
            return CancelOutcome.NOT_CANCELLABLE
        return CancelOutcome.UNKNOWN

    def authorise(self, url: str) -> dict[str, str]:
        """RunComfy's media hosts never get the key."""
        return {}

    def model_info(self, model_id: str) -> Mapping[str, Any]:
        """Name, input schema and price of a model. Raises Passing, AccountError, ModelGone."""
        answer = self._api.get("/v1/models/" + quote(model_id, safe="/"))
        body = answer.json()
        if isinstance(body, Mapping) and answer.status < 300 and not body.get("error_code"):
            return body
        problem = problem_in(body, answer.summary)
        if problem.code in BAD_KEY or answer.status == 401:
            raise key_refused(problem, self.name)
        if problem.code in FINAL_REFUSALS:
            raise refusal(problem, answer.status, self.name, model_id)
        raise Passing(f"{self.name} answered: {problem.message}", answer.retry_after)

    def _result(self, request_id: str) -> JobStatus:
        path = CALL.format(quote(request_id, safe=""), "result") + "?include_cost=true"
        said = self._read(path, request_id)
        if isinstance(said, JobStatus):
            return said
        word = _word(said)
        cost_usd = _cost(said.get("cost"))
        sources = tuple(MediaSource(url) for url in clip_urls(said.get("output")))
        if word in FAILED or (word in SUCCEEDED and not sources and said.get("error")):
            return JobStatus(JobState.FAILED, word, error=_failure(said, request_id), cost_usd=cost_usd)
        if sources and (word in SUCCEEDED or not word):
            return JobStatus(JobState.SUCCEEDED, word, sources=sources, cost_usd=cost_usd)
        if word in SUCCEEDED:
            raise Passing("the job succeeded but its result names no video yet")
        return JobStatus(_state_of(word), word, unknown_word=word not in QUEUED | RUNNING | CANCELLED)

    def _read(self, path: str, request_id: str) -> Mapping[str, Any] | JobStatus:
        """The JSON object of an answer; a JobStatus where the error itself tells the state."""
        answer = self._api.get(path)
        body = answer.json()
        if isinstance(body, Mapping) and answer.status < 300 and (not body.get("error_code") or _word(body) in FAILED):
            if (about := id_text(body.get("request_id"))) not in (None, request_id):
                raise Passing(f"{self.name} answered about another job ({about})")
            return body
        problem = problem_in(body, answer.summary)
        if problem.code in NOT_READY:
            return JobStatus(JobState.RUNNING, "result not ready")
        if problem.code in NO_SUCH_JOB or (answer.status == 404 and isinstance(body, Mapping)):
            return JobStatus(JobState.GONE, problem.message)
        if problem.code in BAD_KEY or answer.status == 401:
            raise key_refused(problem, self.name, request_id)
        raise Passing(f"{self.name} answered: {problem.message}", answer.retry_after)


def _filled(skeleton: bytes, urls: Mapping[str, bytes]) -> list[bytes]:
    """The JSON text with every mark replaced by its URL, in pieces: a long data URI is never copied into a whole."""
    pieces, rest = [], skeleton
    for mark, url in urls.items():
        before, _, rest = rest.partition(b'"' + mark.encode() + b'"')
        pieces += [before, url]
    return [*pieces, rest]


def _request_id(body: Any) -> str | None:
    if not isinstance(body, Mapping):
        return None
    data = body.get("data")
    inner: Mapping[str, Any] = data if isinstance(data, Mapping) else {}
    return id_text(body.get("request_id") or inner.get("request_id") or body.get("id"))


def _word(said: Mapping[str, Any]) -> str:
    return _lower(said.get("status"))


def _lower(word: Any) -> str:
    return word.strip().lower() if isinstance(word, str) else ""


def _cost(value: Any) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value <= MOST_USD else None


def _state_of(word: str) -> JobState:
    if word in QUEUED:
        return JobState.QUEUED
    return JobState.CANCELLED if word in CANCELLED else JobState.RUNNING


def _failure(said: Mapping[str, Any], request_id: str) -> RemoteVideoError:
    problem = problem_in(said, "no reason was given")
    if problem.is_moderation:
        return ModerationError(problem.message, request_id=request_id, code=problem.code)
    return JobFailed(f"The job failed at RunComfy: {problem.message}", request_id=request_id, code=problem.code)


def _whole_number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
