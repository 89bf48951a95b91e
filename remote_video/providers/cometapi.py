"""CometAPI's shared video route: multipart create, retrieve, content.

Source: https://apidoc.cometapi.com (POST /v1/videos). Its answers vary in shape; all that its published clients handle
is understood here. An error's code decides before its HTTP status does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from urllib3.filepost import encode_multipart_formdata

from ..errors import JobFailed, JobUncertain, ModerationError, RemoteVideoError
from ..models.request import Image, Request, Video
from ..patience import USUAL, Patience
from ..uploads import Upload
from .http import AnswerLost, Api
from .problem import BAD_KEY, FINAL_REFUSALS, NO_SUCH_JOB, key_refused, problem_in, refusal
from .status import Busy, CancelOutcome, JobState, JobStatus, MediaSource, Passing, Submission, fraction

QUEUED = frozenset({"queued", "pending", "submitted", "not_start"})
RUNNING = frozenset({"in_progress", "processing", "unknown", "running"})
SUCCEEDED = frozenset({"completed", "success", "succeeded", "done"})
FAILED = frozenset({"failed", "error", "failure"})
CANCELLED = frozenset({"cancelled", "canceled"})
EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "video/mp4": "mp4"}


class CometApi:
    """The provider behind CometVeo. See `status.Provider`."""

    name = "CometAPI"
    tells_cost = False

    def __init__(self, base_url: str, key: str, identity: str | None = None, patience: Patience = USUAL) -> None:
        self.identity = identity or base_url
        self._base_url = base_url
        self._key = key
        self._api = Api(base_url, key, patience)

    def prepare(self, request: Request, upload: Upload) -> Submission:
        """Build the multipart body; the images are files in it, in order: first frame, last frame."""
        parts: list[tuple[str, Any]] = []
        notices: list[str] = []
        for name, value in request.body.items():
            if not isinstance(value, (list, tuple)):
                parts.append((name, str(value)))
                continue
            for number, media in enumerate(value, start=1):
                if not isinstance(media, (Image, Video)):
                    raise TypeError(f"{type(media).__name__} has no place in a request")
                encoded = media.encode()
                notices.extend(encoded.notices)
                parts.append((name, (f"frame_{number}.{EXTENSIONS[encoded.mime]}", encoded.data, encoded.mime)))
        body, content_type = encode_multipart_formdata(parts)
        return Submission("/videos", [body], content_type, tuple(notices))

    def submit(self, submission: Submission) -> str:
        """POST the job once. Raises as `status.Provider.submit` says."""
        try:
            answer = self._api.submit(submission.path, submission.body, submission.content_type)
        except AnswerLost as lost:
            raise _uncertain(f"no answer came back ({lost})") from lost
        body = answer.json()
        problem = problem_in(body, f"HTTP {answer.status}")
        has_error = isinstance(body, Mapping) and bool(body.get("error") or body.get("error_code"))
        definite = 300 <= answer.status < 500 and answer.status != 429
        if definite or problem.code in FINAL_REFUSALS or (has_error and answer.status < 300):
            raise refusal(problem, answer.status, self.name, "the model named on the node")
        if answer.status == 429:
            raise Busy(problem.message, answer.retry_after)
        if answer.status >= 500:
            raise _uncertain(f"it answered HTTP {answer.status}: {problem.message}")
        task = _task(body)
        request_id = task.get("id") or task.get("task_id") or task.get("video_id")
        if not isinstance(request_id, (str, int)) or not str(request_id).strip():
            raise _uncertain("its answer holds no task id")
        return str(request_id)

    def status(self, request_id: str) -> JobStatus:
        """Read the task. Raises Passing, AccountError."""
        answer = self._api.get(self._path(request_id))
        body = answer.json()
        task = _task(body)
        word = str(task.get("status") or "").strip().lower()
        if answer.status < 300 and word:
            return self._status_of(task, word, request_id)
        problem = problem_in(body, f"HTTP {answer.status}" + ("" if body is not None else ", not JSON"))
        if problem.code in NO_SUCH_JOB or (answer.status == 404 and isinstance(body, Mapping)):
            return JobStatus(JobState.GONE, problem.message)
        if problem.code in BAD_KEY or answer.status == 401:
            raise key_refused(problem, self.name, request_id)
        raise Passing(f"{self.name} answered: {problem.message}", answer.retry_after)

    def cancel(self, request_id: str) -> CancelOutcome:
        """CometAPI has no cancel."""
        return CancelOutcome.NOT_OFFERED

    def authorise(self, url: str) -> dict[str, str]:
        """The key, for CometAPI's own /content alone."""
        own = url.startswith(self._base_url + "/videos/")
        return {"Authorization": f"Bearer {self._key}"} if own else {}

    def _path(self, request_id: str) -> str:
        return "/videos/" + quote(request_id, safe="")

    def _status_of(self, task: Mapping[str, Any], word: str, request_id: str) -> JobStatus:
        if word in SUCCEEDED:
            content = MediaSource(self._base_url + self._path(request_id) + "/content", needs_key=True)
            return JobStatus(JobState.SUCCEEDED, word, sources=(*map(MediaSource, _urls(task)), content))
        if word in FAILED:
            return JobStatus(JobState.FAILED, word, error=_failure(task, request_id))
        known = {**dict.fromkeys(QUEUED, JobState.QUEUED), **dict.fromkeys(CANCELLED, JobState.CANCELLED)}
        return JobStatus(
            state=known.get(word, JobState.RUNNING),
            word=word,
            progress=fraction(task.get("progress")),
            unknown_word=word not in RUNNING | QUEUED | CANCELLED,
        )


def _task(body: Any) -> Mapping[str, Any]:
    """The task object, which may be nested under `data` or `data.data`."""
    while isinstance(body, Mapping) and isinstance(body.get("data"), Mapping) and body["data"]:
        inner = body["data"]
        body = {**{k: v for k, v in body.items() if k in ("error",)}, **inner}
    return body if isinstance(body, Mapping) else {}


def _urls(task: Mapping[str, Any]) -> list[str]:
    """The clip's addresses; a finished task may carry one in `fail_reason`."""
    metadata = task.get("metadata")
    candidates = [
        task.get("video_url"),
        task.get("url"),
        task.get("output_video"),
        task.get("output"),
        metadata.get("url") if isinstance(metadata, Mapping) else None,
        task.get("fail_reason"),
    ]
    urls = [c for c in candidates if isinstance(c, str) and c.startswith(("https://", "http://"))]
    return list(dict.fromkeys(urls))


def _failure(task: Mapping[str, Any], request_id: str) -> RemoteVideoError:
    reason = task.get("fail_reason")
    problem = problem_in(task, reason if isinstance(reason, str) and reason else "no reason was given")
    if problem.is_moderation:
        return ModerationError(problem.message, request_id=request_id, code=problem.code)
    return JobFailed(f"The job failed at CometAPI: {problem.message}", request_id=request_id, code=problem.code)


def _uncertain(why: str) -> JobUncertain:
    return JobUncertain(f"The request was sent to CometAPI and {why}: the job may or may not exist.")
