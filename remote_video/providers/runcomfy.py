"""RunComfy's Model API: queue, status, result, cancel.

Source: https://docs.runcomfy.com/model-apis (async queue endpoints). Where its pages and its published clients
disagree, both are understood. `/status` "completed" means finished, not succeeded: `/result` decides.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from ..errors import AccountError, SettingsError
from ..media.encoded import EncodedMedia
from ..models.request import Image, Recording, Request
from ..outside_text import code, id_text
from ..timeouts import DEFAULT_TIMEOUTS, Timeouts
from ..uploads import DataUri, DataUriBytes, Upload
from . import PROVIDERS
from .balance import balance_in
from .classify import classify_no_status, classify_submission, transient
from .client import Piece, Submission
from .clip_urls import files_in, has_picture
from .http import Api
from .problem import BAD_KEY, FINAL_REFUSALS, NO_PERMISSION, NO_SUCH_JOB, failure, problem_in
from .refusal import Refusal, model_gone
from .status import (
    STATES,
    CancelOutcome,
    JobState,
    JobStatus,
    MediaSource,
    OnlyPictures,
    TransientError,
    fraction,
)
from .trial import Trial, Verdict, ask_with_key

BALANCE = "/prod/v2/balance"
LISTED = "/v1/models?limit=1"
CALL = "/v1/requests/{}/{}"
CANCEL_OUTCOMES = {
    **{word: CancelOutcome.CANCELLED for word, state in STATES.items() if state is JobState.CANCELLED},
    "not_cancellable": CancelOutcome.NOT_CANCELLABLE,
}
AFTER_CANCEL = {
    JobState.CANCELLED: CancelOutcome.CANCELLED,
    **dict.fromkeys((JobState.RUNNING, JobState.SUCCEEDED, JobState.FAILED), CancelOutcome.NOT_CANCELLABLE),
}
"""What a job's state says of a request to cancel it. A job that is still queued says nothing."""
REFUSALS = (400, 409, 422)
"""Of a request to cancel: the job has gone too far."""
NOT_OF_THE_JOB = (*BAD_KEY, *NO_PERMISSION, *NO_SUCH_JOB)
"""Codes of refusals that say nothing of how far it has gone."""
MOST_USD = 1e6
"""A clip that costs more is a mistake in the answer."""


class RunComfy:
    """The provider behind most of the models. See `client.Client`."""

    name = "RunComfy"
    reports_cost = True

    def __init__(
        self, base_url: str, key: str, *, endpoint: str | None = None, timeouts: Timeouts = DEFAULT_TIMEOUTS
    ) -> None:
        self.endpoint = endpoint or base_url
        self._api = Api(self.name, base_url, key, timeouts)
        usual = PROVIDERS["runcomfy"]
        elsewhere = usual.balance_origin if base_url == usual.base_url else None
        self._purse = Api(self.name, elsewhere or base_url, key, timeouts)

    def prepare(self, request: Request, upload: Upload) -> Submission:
        """Encode every image, put it where RunComfy can read it, and build the JSON body."""
        urls: dict[str, list[Piece]] = {}

        def place(media: object) -> str:
            if not isinstance(media, (Image, Recording)):
                raise TypeError(f"{type(media).__name__} has no place in a request")
            encoded: EncodedMedia = media.encode()
            mark = uuid.uuid4().hex
            urls[mark] = _json_text(upload, encoded)
            return mark

        skeleton = json.dumps(dict(request.body), default=place).encode("ascii")
        model = request.model.model_id
        path = "/v1/models/" + quote(model, safe="/")
        is_inline = isinstance(upload, DataUri) and bool(urls)
        return Submission(path, _filled(skeleton, urls), "application/json", model, is_inline)

    def submit(self, submission: Submission) -> str:
        """POST the job once. Raises as `client.Client.submit` says."""
        outcome = classify_submission(
            self._api.submit(submission),
            provider=self.name,
            model=submission.model,
            request_id_in=_request_id,
            says_no=lambda body: isinstance(body, Mapping) and bool(body.get("error_code")),
            size=submission.size,
            is_inline=submission.is_inline,
        )
        return outcome.accepted()

    def status(self, request_id: str) -> JobStatus:
        """Read /status and, once that says finished, /result. Raises TransientError, AccountError."""
        body = self._read(CALL.format(quote(request_id, safe=""), "status"), request_id)
        if isinstance(body, JobStatus):
            return body
        raw_status = _lower(body.get("status"))
        state = STATES.get(raw_status)
        if not raw_status or state in (JobState.SUCCEEDED, JobState.FAILED):
            return self._result(request_id)
        return JobStatus(
            state or JobState.RUNNING,
            raw_status,
            queue_position=_whole_number(body.get("queue_position")),
            progress=fraction(body.get("progress")),
            is_undocumented=state is None,
        )

    def cancel(self, request_id: str) -> CancelOutcome:
        """Ask to cancel; RunComfy does so only for a queued job.

        The answer's `outcome` decides; its `status` only where there is none, and the job's own where there is neither.
        """
        try:
            response = self._api.post_again(CALL.format(quote(request_id, safe=""), "cancel"))
            body = response.json()
            said: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
            if "outcome" in said:
                return CANCEL_OUTCOMES.get(_lower(said["outcome"]), CancelOutcome.UNKNOWN)
            state = STATES.get(_lower(said.get("status")))
            if response.status < 300 and not said.get("error_code") and state in (None, JobState.QUEUED):
                state = self.status(request_id).state
        except (TransientError, AccountError, SettingsError):
            return CancelOutcome.UNKNOWN
        if state in AFTER_CANCEL:
            return AFTER_CANCEL[state]
        is_no = response.status in REFUSALS and problem_in(said, "").code not in NOT_OF_THE_JOB
        return CancelOutcome.NOT_CANCELLABLE if is_no else CancelOutcome.UNKNOWN

    def balance_usd(self) -> float | None:
        """Ask what the account has left, USD. Raises TransientError, SettingsError."""
        response = self._purse.get(BALANCE)
        body = response.json()
        if not isinstance(body, Mapping) or response.status >= 300 or body.get("error_code"):
            raise transient(response, problem_in(body, response.summary), self.name)
        return balance_in(body)

    def try_key(self) -> Trial:
        """Ask for the balance, which decides, and how many models are listed. See `client.Client.try_key`."""
        trial, body = ask_with_key(self._purse, BALANCE)
        if trial.verdict is not Verdict.ACCEPTED:
            return trial
        usd = balance_in(body) if isinstance(body, Mapping) else None
        _, listed = ask_with_key(self._api, LISTED)
        total = listed.get("total") if isinstance(listed, Mapping) else None
        return replace(trial, balance_usd=usd, models=total if isinstance(total, int) else None)

    def auth_headers(self, url: str) -> dict[str, str]:
        """RunComfy's media hosts never get the key."""
        return {}

    def offered(self, request: Request) -> Mapping[str, Any]:
        """See `client.Client.offered`."""
        return self.model_info(request.model.model_id)

    def model_info(self, model_id: str) -> Mapping[str, Any]:
        """Name, input schema and price of a model. Raises TransientError, AccountError, ModelGone."""
        response = self._api.get("/v1/models/" + quote(model_id, safe="/"))
        body = response.json()
        if isinstance(body, Mapping) and response.status < 300 and not body.get("error_code"):
            return body
        problem = problem_in(body, response.summary)
        if response.status == 404 and isinstance(body, Mapping):
            raise model_gone(problem, self.name, model_id)
        if problem.code in FINAL_REFUSALS or response.status == 401:
            raise Refusal(problem, response.status, self.name, model_id).error()
        raise transient(response, problem, self.name)

    def _result(self, request_id: str) -> JobStatus:
        path = CALL.format(quote(request_id, safe=""), "result") + "?include_cost=true"
        body = self._read(path, request_id)
        if isinstance(body, JobStatus):
            return body
        raw_status = _lower(body.get("status"))
        state = STATES.get(raw_status)
        cost_usd = _cost(body.get("cost"))
        sources, *others = [tuple(map(MediaSource, file)) for file in files_in(body.get("output"))] or [()]
        if state is JobState.FAILED or (state is JobState.SUCCEEDED and not sources and body.get("error")):
            error = failure(problem_in(body, "no reason was given"), self.name, request_id)
            return JobStatus(JobState.FAILED, raw_status, error=error, cost_usd=cost_usd)
        if sources and (state is JobState.SUCCEEDED or not raw_status):
            return JobStatus(JobState.SUCCEEDED, raw_status, sources=sources, others=tuple(others), cost_usd=cost_usd)
        if state is JobState.SUCCEEDED:
            if has_picture(body.get("output")):
                raise OnlyPictures(cost_usd)
            raise TransientError("the job succeeded but its result names no video yet")
        return JobStatus(state or JobState.RUNNING, raw_status, is_undocumented=state is None)

    def _read(self, path: str, request_id: str) -> Mapping[str, Any] | JobStatus:
        """The JSON object of an answer; a JobStatus where the error itself tells the state."""
        response = self._api.get(path)
        body = response.json()
        if isinstance(body, Mapping) and response.status < 300 and not _is_error(body):
            if (about := id_text(body.get("request_id"))) not in (None, request_id):
                raise TransientError(f"{self.name} answered about another job ({about})")
            return body
        return classify_no_status(response, provider=self.name, request_id=request_id)


def _json_text(upload: Upload, encoded: EncodedMedia) -> list[Piece]:
    """The URL of a file as a JSON text, in pieces. A data URI is made as it is sent: long ones add up."""
    if isinstance(upload, DataUri):
        return [b'"', DataUriBytes(encoded.data, encoded.mime), b'"']
    return [json.dumps(upload.url_for(encoded.data, encoded.mime)).encode("ascii")]


def _filled(skeleton: bytes, urls: Mapping[str, list[Piece]]) -> list[Piece]:
    """The JSON text with every mark replaced by its URL, in pieces."""
    pieces: list[Piece] = []
    rest = skeleton
    for mark, url in urls.items():
        before, _, rest = rest.partition(b'"' + mark.encode() + b'"')
        pieces += [before, *url]
    return [*pieces, rest]


def _request_id(body: Any) -> str | None:
    if not isinstance(body, Mapping):
        return None
    data = body.get("data")
    inner: Mapping[str, Any] = data if isinstance(data, Mapping) else {}
    return id_text(body.get("request_id") or inner.get("request_id") or body.get("id"))


def _is_error(body: Mapping[str, Any]) -> bool:
    """An error's code beside the state "failed" is that job's; otherwise it is the request's."""
    return bool(body.get("error_code")) and STATES.get(_lower(body.get("status"))) is not JobState.FAILED


def _lower(word: Any) -> str:
    return code(word).lower() if isinstance(word, str) else ""


def _cost(value: Any) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value <= MOST_USD else None


def _whole_number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
