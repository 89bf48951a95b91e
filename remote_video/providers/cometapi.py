"""CometAPI's shared video route: multipart create, retrieve, content.

Source: https://apidoc.cometapi.com (POST /v1/videos). Its answers vary in shape; all that its published clients handle
is understood here. An error's code decides before its HTTP status does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from itertools import takewhile
from typing import Any
from urllib.parse import quote

from ..errors import ModelGone
from ..models.request import Image, Request, Video
from ..outside_text import code, id_text
from ..timeouts import DEFAULT_TIMEOUTS, Timeouts
from ..uploads import Upload
from .classify import classify_no_status, classify_submission, transient
from .client import Submission
from .clip_urls import Addresses, files_in, same_files
from .http import Api
from .multipart import File, multipart
from .problem import failure, problem_in
from .response import MAX_LISTING_BYTES, listed_in
from .status import STATES, CancelOutcome, JobState, JobStatus, MediaSource, TransientError, fraction
from .trial import Trial, Verdict, ask_with_key

ENVELOPE = ("data", "code", "message")
"""Keys of an object around the task that say nothing of the task itself."""
EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "video/mp4": "mp4"}
MOST_NEAR = 5
ANOTHER_MODEL = "Write a model that CometAPI offers now into `model` (see www.cometapi.com), then run again."


class CometApi:
    """The provider behind CometVeo. See `client.Client`."""

    name = "CometAPI"
    reports_cost = False

    def __init__(
        self, base_url: str, key: str, *, endpoint: str | None = None, timeouts: Timeouts = DEFAULT_TIMEOUTS
    ) -> None:
        self.endpoint = endpoint or base_url
        self._base_url = base_url
        self._key = key
        self._api = Api(self.name, base_url, key, timeouts)

    def prepare(self, request: Request, upload: Upload) -> Submission:
        """Build the multipart body; the images are files in it, in order: first frame, last frame."""
        parts: list[tuple[str, str | File]] = []
        for name, value in request.body.items():
            if not isinstance(value, (list, tuple)):
                parts.append((name, str(value)))
                continue
            for number, media in enumerate(value, start=1):
                if not isinstance(media, (Image, Video)):
                    raise TypeError(f"{type(media).__name__} has no place in a request")
                encoded = media.encode()
                parts.append((name, (f"frame_{number}.{EXTENSIONS[encoded.mime]}", encoded.data, encoded.mime)))
        body, content_type = multipart(parts)
        return Submission("/videos", body, content_type, str(request.body["model"]))

    def submit(self, submission: Submission) -> str:
        """POST the job once. Raises as `client.Client.submit` says."""
        outcome = classify_submission(
            self._api.submit(submission),
            provider=self.name,
            model=submission.model,
            request_id_in=lambda body: _task_id(_task(body)),
            says_no=_is_error_without_task,
            instead=ANOTHER_MODEL,
            size=submission.size,
        )
        return outcome.accepted()

    def status(self, request_id: str) -> JobStatus:
        """Read the task. Raises TransientError, AccountError."""
        response = self._api.get(self._path(request_id))
        task = _task(response.json())
        raw_status = _raw_status(task)
        if response.status < 300 and raw_status:
            return self._status_of(task, raw_status, request_id)
        return classify_no_status(response, provider=self.name, request_id=request_id)

    def cancel(self, request_id: str) -> CancelOutcome:
        """CometAPI has no cancel."""
        return CancelOutcome.NOT_OFFERED

    def balance_usd(self) -> float | None:
        """CometAPI offers no way to ask with this key."""
        return None

    def try_key(self) -> Trial:
        """Ask for the list of models. See `client.Client.try_key`."""
        trial, body = ask_with_key(self._api, "/models")
        listed = listed_in(body) if trial.verdict is Verdict.ACCEPTED else None
        return replace(trial, models=None if listed is None else len(listed))

    def offered(self, request: Request) -> Mapping[str, Any]:
        """Whether its list of models has the name that is asked for. See `client.Client.offered`.

        A list that has nothing like it says nothing: it may not be one of video models.
        """
        model, names = str(request.body["model"]), self.models()
        if model in names:
            return {"id": model}
        near = _near(model, names)
        if not near:
            raise TransientError(f"the list of {self.name} has nothing like {model}")
        raise ModelGone(
            f"{self.name} does not offer a model named {model}. Near ones it has: {code(', '.join(near))}.",
            next_step="Write one of them into `model`, then run again.",
        )

    def models(self) -> list[str]:
        """The names of all models it offers, of every kind, sorted. Free. Raises TransientError."""
        response = self._api.get("/models", most_bytes=MAX_LISTING_BYTES)
        body = response.json()
        listed = (id_text(item.get("id")) for item in listed_in(body) or () if isinstance(item, Mapping))
        names = sorted(set(filter(None, listed)))
        if response.status >= 300 or not names:
            raise transient(response, problem_in(body, response.summary), self.name)
        return names

    def auth_headers(self, url: str) -> dict[str, str]:
        """The key, for CometAPI's own /content alone."""
        own = url.startswith(self._base_url + "/videos/")
        return {"Authorization": f"Bearer {self._key}"} if own else {}

    def _path(self, request_id: str) -> str:
        return "/videos/" + quote(request_id, safe="")

    def _status_of(self, task: Mapping[str, Any], raw_status: str, request_id: str) -> JobStatus:
        state = STATES.get(raw_status)
        if state is JobState.SUCCEEDED:
            content = MediaSource(self._base_url + self._path(request_id) + "/content", needs_key=True)
            clip, *others = [tuple(map(MediaSource, file)) for file in _files(task)] or [()]
            return JobStatus(state, raw_status, sources=(*clip, content), others=tuple(others))
        if state is JobState.FAILED:
            reason = task.get("fail_reason")
            problem = problem_in(task, reason if isinstance(reason, str) and reason else "no reason was given")
            return JobStatus(state, raw_status, error=failure(problem, self.name, request_id))
        progress = fraction(task.get("progress"))
        return JobStatus(state or JobState.RUNNING, raw_status, progress=progress, is_undocumented=state is None)


def _near(model: str, names: list[str]) -> list[str]:
    """The names most like this one, and those of its family: that begin with the same letters."""
    family = "".join(takewhile(str.isalpha, model))
    alike = [name for name in names if family and name.startswith(family)]
    return list(dict.fromkeys([*get_close_matches(model, names, MOST_NEAR), *alike]))[:MOST_NEAR]


def _task(body: Any) -> Mapping[str, Any]:
    """The task object. It may be nested under `data` or `data.data`; what the inner one leaves out, the outer says."""
    task: dict[str, Any] = {}
    while isinstance(body, Mapping):
        inner = body.get("data")
        is_envelope = isinstance(inner, Mapping)
        said = {name: value for name, value in body.items() if value not in (None, "")}
        task.update({name: value for name, value in said.items() if not is_envelope or name not in ENVELOPE})
        body = inner
    return task


def _task_id(task: Mapping[str, Any]) -> str | None:
    """The id: text rather than a number, which may be a row of somebody's table."""
    ids = [task.get(name) for name in ("id", "task_id", "video_id")]
    return next(filter(None, map(id_text, sorted(ids, key=lambda found: not isinstance(found, str)))), None)


def _raw_status(task: Mapping[str, Any]) -> str:
    """The state's word, lower case; an answer without one that names the clip says enough."""
    raw_status = task.get("status")
    if isinstance(raw_status, str):
        return code(raw_status).lower()
    return "completed" if raw_status is None and _files(task) and not task.get("error") else ""


def _files(task: Mapping[str, Any]) -> list[Addresses]:
    """The job's files, the clip first; a finished task may carry its address in `fail_reason`."""
    metadata = task.get("metadata")
    ways = [files_in(task.get(name)) for name in ("video_url", "url", "output_video", "output")]
    elsewhere = [metadata if isinstance(metadata, Mapping) else None, task.get("fail_reason")]
    return same_files([*ways, *(files_in(place)[:1] for place in elsewhere)])


def _is_error_without_task(body: Any) -> bool:
    """An error beside a task id is that job's; alone it is the submission's."""
    has_error = isinstance(body, Mapping) and bool(body.get("error") or body.get("error_code"))
    return has_error and _task_id(_task(body)) is None
