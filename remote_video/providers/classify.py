"""What a provider's answers mean: the decisions that money hangs on, the same for every provider. No I/O here.

To a submission. A definite no (3xx, 4xx, or a code that is final whatever the status beside it): refused, no job
exists. 429: turned away for now. No answer, 5xx, or an answer that can't be read: lost, a job may exist. A request id:
accepted.

To a request for a job's state. "No such job" and "not ready" are states; a key that isn't accepted is the user's to
know; anything else that tells no state is asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import RateLimited, RemoteVideoError
from .problem import (
    BAD_KEY,
    FINAL_REFUSALS,
    NO_SUCH_JOB,
    NOT_READY,
    Problem,
    key_refused,
    problem_in,
    uncertain,
)
from .refusal import Refusal
from .response import Response
from .status import JobState, JobStatus, TransientError


@dataclass(frozen=True)
class Outcome:
    """What came of a submission: the request id, or the error that says why there is none."""

    request_id: str | None = None
    error: RemoteVideoError | None = None

    def accepted(self) -> str:
        """The request id. Raises the error when there is none."""
        if self.request_id is None:
            raise self.error or TypeError("an outcome has an id or an error")
        return self.request_id


def classify_submission(
    response: Response,
    *,
    provider: str,
    model: str,
    request_id_in: Callable[[Any], str | None],
    says_no: Callable[[Any], bool],
    instead: str | None = None,
    size: int = 0,
    is_inline: bool = False,
) -> Outcome:
    """What the answer to a submission means.

    Args:
        response: its body is None when it broke off.
        provider: its name, for messages.
        model: what to call the model in messages.
        request_id_in: finds the id in a 2xx body.
        says_no: whether a 2xx body is an error all the same.
        instead: what to do when the model is gone, where that is not another node.
        size, is_inline: of what was sent, see `client.Submission`.
    """
    body = response.json()
    problem = problem_in(body, response.summary)
    too_many = _is_rate_limit(response, problem)
    said = Refusal(problem, response.status, provider, model, instead, size, is_inline, is_page=body is None)
    if problem.code in FINAL_REFUSALS or (300 <= response.status < 500 and not too_many):
        return Outcome(error=said.error())
    if too_many:
        what = f"{provider} turned the request away for now: {problem.message}"
        return Outcome(error=RateLimited(what, retry_after=response.retry_after, code=problem.code))
    if response.status >= 500:
        return Outcome(error=uncertain(provider, f"it answered HTTP {response.status}: {problem.message}"))
    if says_no(body):
        return Outcome(error=said.error())
    if (request_id := request_id_in(body)) is None:
        return Outcome(error=uncertain(provider, f"its answer holds no request id ({problem.message})"))
    return Outcome(request_id)


def classify_no_status(response: Response, *, provider: str, request_id: str) -> JobStatus:
    """What an answer about a job means that has no state in it; an error can tell one all the same.

    Raises:
        AccountError: the key isn't accepted; the job goes on.
        TransientError: anything else.
    """
    body = response.json()
    problem = problem_in(body, response.summary)
    if problem.code in NOT_READY:
        return JobStatus(JobState.RUNNING, "result not ready")
    if problem.code in NO_SUCH_JOB or (response.status == 404 and isinstance(body, Mapping)):
        return JobStatus(JobState.NOT_FOUND, problem.message)
    if problem.code in BAD_KEY or response.status == 401:
        raise key_refused(problem, provider, request_id)
    raise transient(response, problem, provider)


def transient(response: Response, problem: Problem, provider: str) -> TransientError:
    """The error for an answer that says nothing final."""
    reason = f"{provider} answered: {problem.message}"
    return TransientError(reason, response.retry_after, rate_limited=_is_rate_limit(response, problem))


def _is_rate_limit(response: Response, problem: Problem) -> bool:
    return response.status == 429 or problem.code == "429"
