"""What the answer to a submission means: the one decision that money hangs on, the same for every provider.

A definite no (3xx, 4xx, or a code that is final whatever the status beside it): refused, no job exists. 429: turned
away for now. No answer, 5xx, or an answer that can't be read: uncertain, a job may exist. A request id: accepted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import JobUncertain
from .http import AnswerLost, Api
from .problem import FINAL_REFUSALS, problem_in, refusal
from .status import Busy, Submission


def submit_once(
    api: Api,
    submission: Submission,
    *,
    provider: str,
    model: str,
    request_id_in: Callable[[Any], str | None],
    says_no: Callable[[Any], bool],
    instead: str | None = None,
) -> str:
    """POST a paid job, once, and return its request id.

    Args:
        provider: its name, for messages.
        model: what to call the model in messages.
        request_id_in: finds the id in a 2xx body.
        says_no: whether a 2xx body is an error all the same.
        instead: what to do when the model is gone, where that is not another node.

    Raises:
        As `status.Provider.submit` says.
    """
    try:
        answer = api.submit(submission.path, submission.body, submission.content_type)
    except AnswerLost as lost:
        raise _uncertain(provider, f"no answer came back ({lost})") from lost
    body = answer.json()
    problem = problem_in(body, answer.summary)
    turned_away = answer.status == 429 or problem.code == "429"
    if problem.code in FINAL_REFUSALS or (300 <= answer.status < 500 and not turned_away):
        raise refusal(problem, answer.status, provider, model, instead)
    if turned_away:
        raise Busy(problem.message, answer.retry_after)
    if answer.status >= 500:
        raise _uncertain(provider, f"it answered HTTP {answer.status}: {problem.message}")
    if says_no(body):
        raise refusal(problem, answer.status, provider, model, instead)
    request_id = request_id_in(body)
    if request_id is None:
        raise _uncertain(provider, f"its answer holds no request id ({problem.message})")
    return request_id


def _uncertain(provider: str, why: str) -> JobUncertain:
    return JobUncertain(f"The request was sent to {provider} and {why}: the job may or may not exist.")
