"""What a provider can say about a job that does not fit: unknown words, steps back, results that never come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .answer import Answer
from .fault import CANCEL, CONTENT, CREATE, RESULT, RETRIEVE, STATUS, SUBMIT, Alter, Call, Fault

Payload = dict[str, Any]
UNKNOWN_WORD = "reticulating"
BACK_AND_FORTH = 4
OTHER_ID = "00000000-0000-4000-8000-000000000000"
OUTPUTS_ELSEWHERE = {
    "plain-http": ("http://media.example.com/clip.mp4", "a plain http address of another host"),
    "private-address": ("https://10.0.0.1/clip.mp4", "a private address"),
    "metadata-address": ("http://169.254.169.254/latest/meta-data/", "a cloud's metadata address"),
    "file": ("file:///etc/passwd", "a file: URL"),
    "not-a-url": ("clip.mp4", "something that is not a URL"),
    "credentials": ("https://user:secret@10.0.0.1/clip.mp4", "a private address with credentials in the URL"),
}


def changed(change: Callable[[Payload, Call], Payload | None]) -> Alter:
    """Change the JSON of a good answer; an error passes unchanged."""

    def alter(answer: Answer, call: Call) -> Answer:
        payload = answer.payload()
        if answer.status >= 400 or not payload:
            return answer
        altered = change(payload, call)
        return answer if altered is None else answer.with_payload(altered)

    return alter


def _unknown(payload: Payload, call: Call) -> Payload:
    return {**payload, "status": UNKNOWN_WORD}


def _back(first: str, then: str) -> Alter:
    """The first few answers go to and fro between two words, then the truth."""

    def change(payload: Payload, call: Call) -> Payload | None:
        if call.nth > BACK_AND_FORTH:
            return None
        return {**_without_result(payload), "status": first if call.nth % 2 else then}

    return changed(change)


def _always(word: str) -> Alter:
    return changed(lambda payload, call: {**_without_result(payload), "status": word})


def _without_result(payload: Payload) -> Payload:
    return {key: value for key, value in payload.items() if key not in ("output", "video_url", "error", "cost")}


def _late_cost(payload: Payload, call: Call) -> Payload | None:
    if call.nth > call.options["calls"]:
        return None
    return {key: value for key, value in payload.items() if key != "cost"}


def _cost(value: Any) -> Alter:
    return changed(lambda payload, call: {**payload, "cost": value})


def _failed(words: str) -> Alter:
    def change(payload: Payload, call: Call) -> Payload:
        return {**_without_result(payload), "status": "failed", "error": words}

    return changed(change)


def _comet_failed(words: str, code: str) -> Alter:
    def change(payload: Payload, call: Call) -> Payload:
        return {**_without_result(payload), "status": "failed", "error": {"message": words, "code": code}}

    return changed(change)


def _not_ready(answer: Answer, call: Call) -> Answer:
    return Answer.of({"error_code": 400005, "error_message": "The result is not ready."}, 400)


def _no_such_request(answer: Answer, call: Call) -> Answer:
    return Answer.of({"error_code": 404001, "error_message": "Request was not found."}, 404)


def _no_such_task(answer: Answer, call: Call) -> Answer:
    words = "Task does not exist (request id: 2026112014052291)"
    error = {"message": words, "type": "comet_api_error", "param": None, "code": "task_not_exist"}
    return Answer.of({"error": error}, 404)


def _content_not_ready(answer: Answer, call: Call) -> Answer:
    words = "Task is in_progress (request id: 2026112014052291)"
    error = {"message": words, "type": "comet_api_error", "param": None, "code": "invalid_request"}
    return Answer.of({"error": error}, 400)


def _output(value: Any) -> Alter:
    def change(payload: Payload, call: Call) -> Payload | None:
        return {**payload, "output": value} if "output" in payload else None

    return changed(change)


def _video_url(value: Any) -> Alter:
    def change(payload: Payload, call: Call) -> Payload | None:
        return {**payload, "video_url": value} if "video_url" in payload else None

    return changed(change)


def _without(*names: str) -> Alter:
    return changed(lambda payload, call: {key: value for key, value in payload.items() if key not in names})


def _queue_place(payload: Payload, call: Call) -> Payload:
    return {**payload, "queue_position": "soon"}


def _says_of_id(key: str, value: str | None) -> Alter:
    return changed(lambda payload, call: {**payload, key: value})


def _outcome(status: str, outcome: str) -> Alter:
    return changed(lambda payload, call: {**payload, "status": status, "outcome": outcome})


FAULTS: tuple[Fault, ...] = (
    Fault(
        "unknown-state",
        "A word for the state that nobody documented.",
        (STATUS, RESULT, RETRIEVE),
        alter=changed(_unknown),
    ),
    Fault("state-missing", "No state in the answer.", (STATUS, RESULT, RETRIEVE), alter=_without("status")),
    Fault(
        "states-backwards",
        "Running, queued, running, queued; then the truth.",
        (STATUS,),
        alter=_back("in_progress", "in_queue"),
    ),
    Fault(
        "finished-then-running",
        "Finished, running, finished, running; then the truth.",
        (STATUS,),
        alter=_back("completed", "in_progress"),
    ),
    Fault(
        "states-backwards",
        "Running, queued, running, queued; then the truth.",
        (RETRIEVE,),
        alter=_back("in_progress", "queued"),
    ),
    Fault("never-finishes", "Running, always.", (STATUS,), alter=_always("in_progress")),
    Fault("never-finishes", "Running, always.", (RETRIEVE,), alter=_always("in_progress")),
    Fault("never-starts", "Queued, always.", (STATUS,), alter=_always("in_queue")),
    Fault("never-starts", "Queued, always.", (RETRIEVE,), alter=_always("queued")),
    Fault(
        "queue-position-nonsense", "queue_position is a word.", (STATUS,), alter=changed(_queue_place), harmless=True
    ),
    Fault("result-never-comes", "400005 (not ready), always.", (RESULT,), False, alter=_not_ready),
    Fault("result-never-finishes", "The result says in_progress, always.", (RESULT,), alter=_always("in_progress")),
    Fault(
        "completed-but-failed",
        "Finished, and the result is a failure.",
        (RESULT,),
        alter=_failed("Internal model error"),
    ),
    Fault(
        "completed-but-flagged",
        "Finished, and content moderation withholds the result.",
        (RESULT,),
        alter=_failed("Output was flagged by content moderation"),
    ),
    Fault("completed-but-cancelled", "Finished, and the result says cancelled.", (RESULT,), alter=_always("cancelled")),
    Fault("failed", "The job failed.", (RETRIEVE,), alter=_comet_failed("Internal model error", "generation_failed")),
    Fault("failed-as-error", "The job failed, and its state is called ERROR.", (RETRIEVE,), alter=_always("ERROR")),
    Fault(
        "failed-by-moderation",
        "The job failed by content moderation.",
        (RETRIEVE,),
        alter=_comet_failed("Flagged by content moderation", "content_policy_violation"),
    ),
    Fault("no-output", "Succeeded, without an output.", (RESULT,), alter=_without("output")),
    Fault("output-null", "Succeeded, and output is null.", (RESULT,), alter=_output(None)),
    Fault("output-empty", "Succeeded, and output lists no video.", (RESULT,), alter=_output({"videos": []})),
    *(
        Fault(
            f"output-{name}", f"Succeeded, and the clip's address is {says}.", (RESULT,), alter=_output({"video": url})
        )
        for name, (url, says) in OUTPUTS_ELSEWHERE.items()
    ),
    *(
        Fault(f"output-{name}", f"Completed, and the clip's address is {says}.", (RETRIEVE,), alter=_video_url(url))
        for name, (url, says) in OUTPUTS_ELSEWHERE.items()
    ),
    Fault(
        "late-cost",
        "The cost is missing from the first `calls` results.",
        (RESULT,),
        alter=changed(_late_cost),
        options={"calls": 2},
        harmless=True,
    ),
    Fault("cost-never", "The cost never comes.", (RESULT,), alter=_without("cost"), harmless=True),
    Fault("cost-null", "The cost is null.", (RESULT,), alter=_cost(None), harmless=True),
    Fault("cost-nonsense", "The cost is a word.", (RESULT,), alter=_cost("a lot"), harmless=True),
    Fault(
        "vanished", "The provider no longer knows the request.", (STATUS, RESULT, CANCEL), False, alter=_no_such_request
    ),
    Fault("vanished", "The provider no longer knows the task.", (RETRIEVE, CONTENT), False, alter=_no_such_task),
    Fault("not-ready", "The content is a JSON error: not finished yet.", (CONTENT,), alter=_content_not_ready),
    Fault(
        "not-cancellable",
        "The job can't be cancelled (any more).",
        (CANCEL,),
        False,
        alter=lambda answer, call: Answer.of(
            {"request_id": call.request.path.split("/")[-2], "status": "in_progress", "outcome": "not_cancellable"}, 202
        ),
    ),
    Fault(
        "cancelled-as-completed",
        "Cancelled, while `status` reads completed.",
        (CANCEL,),
        alter=_outcome("completed", "cancelled"),
        harmless=True,
    ),
    Fault("cancel-outcome-unknown", "An outcome nobody documented.", (CANCEL,), alter=_outcome("in_queue", "maybe")),
    Fault("no-id", "The answer to the submission has no id.", (SUBMIT, CREATE), alter=_without("request_id", "id")),
    Fault("id-null", "The id is null.", (SUBMIT,), alter=_says_of_id("request_id", None)),
    Fault("id-null", "The id is null.", (CREATE,), alter=_says_of_id("id", None)),
    Fault(
        "id-hostile",
        "The id is a path elsewhere.",
        (SUBMIT,),
        alter=_says_of_id("request_id", "../../prod/v2/balance?"),
    ),
    Fault("id-hostile", "The id is a path elsewhere.", (CREATE,), alter=_says_of_id("id", "../models?")),
    Fault(
        "other-id", "The answer is about another request.", (STATUS, RESULT), alter=_says_of_id("request_id", OTHER_ID)
    ),
)
