"""CometAPI's shared video route as the sandbox serves it, under /cometapi."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from .answer import Answer, Incoming
from .clip_plan import comet_veo
from .job_store import Job, Standing, State
from .media_files import MediaFiles
from .multipart import MultipartError, Part, parts
from .prompt_flags import Flag, flag_in
from .reception import FAILURES, Reception, media_url, token_of
from .routes import Route
from .submitted import MediaRefused, Submitted, open_picture

PROVIDER = "cometapi"
DEFAULT_MODEL = "veo3-fast"
DEFAULT_SIZE = "16x9"
SIZES = (DEFAULT_SIZE, "9x16")
FIELDS = ("prompt", "model", "size", "input_reference")
MOST_REFERENCES = 2
ALIASES = {"veo3": 0.8, "veo3-fast": 0.2, "veo3-pro": 2.0, "veo3.1": 0.8, "veo3.1-pro": 2.0}
"""USD per clip."""
WORDS = {
    State.QUEUED: "queued",
    State.RUNNING: "in_progress",
    State.SUCCEEDED: "completed",
    State.FAILED: "failed",
    State.CANCELLED: "failed",
}


def error(status: int, code: str, message: str, param: str | None = None) -> Answer:
    """An error as CometAPI words it, the request id inside the message."""
    text = f"{message} (request id: {uuid.uuid4().hex[:24]})"
    return Answer.of({"error": {"message": text, "type": "comet_api_error", "param": param, "code": code}}, status)


class Refused(Exception):
    """The submission breaks the contract; `param` is the field."""

    def __init__(self, message: str, param: str | None) -> None:
        super().__init__(message)
        self.param = param


def _with_key(handler: Callable[..., Answer]) -> Callable[..., Answer]:
    @wraps(handler)
    def checked(self: CometApi, request: Incoming, *arguments: str) -> Answer:
        if token_of(request.headers) is None:
            return error(401, "", "Invalid token")
        return handler(self, request, *arguments)

    return checked


class CometApi:
    """Create, retrieve, content, models and the public catalogue."""

    def __init__(self, reception: Reception, media: MediaFiles) -> None:
        self._reception = reception
        self._media = media

    def routes(self) -> list[Route]:
        """In the order they are tried."""
        return [
            Route("comet/create", "POST", "/cometapi/v1/videos", self.create),
            Route("comet/retrieve", "GET", "/cometapi/v1/videos/([^/]+)", self.retrieve),
            Route("comet/content", "GET", "/cometapi/v1/videos/([^/]+)/content", self.content),
            Route("comet/models", "GET", "/cometapi/v1/models", self.models),
            Route("comet/catalogue", "GET", "/cometapi/api/models", self.catalogue),
        ]

    @_with_key
    def create(self, request: Incoming) -> Answer:
        try:
            fields, pictures = _submission(request)
        except Refused as refusal:
            return error(400, "invalid_request", str(refusal), refusal.param)
        flag = flag_in(fields["prompt"])
        refused = _flagged(flag) or _unknown_model(fields["model"])
        if refused:
            return refused
        files = {f"input_reference-{index}{picture.suffix}": picture.data for index, picture in enumerate(pictures)}
        plan = comet_veo(fields["prompt"], fields["size"], fields["model"], tuple(files))
        inputs = {**fields, "input_reference": list(files)}
        cost = ALIASES.get(fields["model"], 0.0)
        job = self._reception.take_in(PROVIDER, fields["model"], inputs, plan, files, flag, cost)
        return Answer.of(_task(job, Standing(State.QUEUED)))

    @_with_key
    def retrieve(self, request: Incoming, task_id: str) -> Answer:
        found = self._reception.find(PROVIDER, task_id)
        if found is None:
            return _no_task(task_id)
        job, standing = found
        task = _task(job, standing)
        if standing.over:
            task["completed_at"] = int(job.due_at)
        if standing.state is State.SUCCEEDED:
            task["video_url"] = media_url(request.origin, job)
        if standing.state is State.FAILED:
            task["error"] = {"message": FAILURES[job.fate], "code": "generation_failed"}
        return Answer.of(task, finished=standing.over)

    @_with_key
    def content(self, request: Incoming, task_id: str) -> Answer:
        found = self._reception.find(PROVIDER, task_id)
        if found is None:
            return _no_task(task_id)
        job, standing = found
        if standing.state is not State.SUCCEEDED:
            return error(400, "invalid_request", f"Task {task_id} is {WORDS[standing.state]}; it has no content")
        return self._media.serve(request, job)

    @_with_key
    def models(self, request: Incoming) -> Answer:
        data = [{"id": name, "object": "model", "owned_by": "sandbox"} for name in ALIASES]
        return Answer.of({"object": "list", "data": data})

    def catalogue(self, request: Incoming) -> Answer:
        data = [{"id": name, "pricing": {"per_request": price}} for name, price in ALIASES.items()]
        return Answer.of({"success": True, "data": data})


def _submission(request: Incoming) -> tuple[dict[str, str], list[Submitted]]:
    try:
        found = parts(request.body, request.headers.get("content-type", ""))
    except MultipartError as problem:
        raise Refused(str(problem), None) from problem
    for part in found:
        if part.name not in FIELDS:
            raise Refused(f"unknown field {part.name!r}", part.name)
    fields = {"prompt": "", "model": DEFAULT_MODEL, "size": DEFAULT_SIZE}
    fields |= {part.name: part.text for part in found if part.name in fields}
    if not fields["prompt"].strip():
        raise Refused("prompt is required", "prompt")
    if fields["size"] not in SIZES:
        raise Refused(f"size must be one of {', '.join(SIZES)}; found {fields['size']!r}", "size")
    return fields, _references([part for part in found if part.name == "input_reference"])


def _references(found: list[Part]) -> list[Submitted]:
    if len(found) > MOST_REFERENCES:
        raise Refused(f"at most {MOST_REFERENCES} input_reference files; found {len(found)}", "input_reference")
    try:
        return [open_picture(part.data, part.content_type) for part in found]
    except MediaRefused as problem:
        raise Refused(str(problem), "input_reference") from problem


def _flagged(flag: Flag | None) -> Answer | None:
    if flag is Flag.MODERATION:
        return error(400, "content_policy_violation", "The prompt was flagged by content moderation", "prompt")
    if flag is Flag.BALANCE:
        return error(403, "insufficient_user_quota", "The account's balance is not enough")
    if flag is Flag.BUSY:
        return error(429, "rate_limit_exceeded", "Too many requests").with_headers(Retry_After="1")
    return error(503, "model_not_found", "No channel offers this model") if flag is Flag.GONE else None


def _unknown_model(model: str) -> Answer | None:
    if model.startswith("veo"):
        return None
    return error(503, "model_not_found", f"No available channel for model {model}", "model")


def _no_task(task_id: str) -> Answer:
    return error(404, "task_not_exist", f"Task {task_id} does not exist")


def _task(job: Job, standing: Standing) -> dict[str, Any]:
    return {
        "id": job.request_id,
        "object": "video",
        "model": job.model_id.replace("veo", "veo_").replace(".", "_") + "-sandbox",
        "status": WORDS[standing.state],
        "progress": 100 if standing.state is State.SUCCEEDED else int(standing.progress * 100),
        "created_at": int(job.submitted_at),
        "seconds": "",
        "size": job.inputs["size"],
    }
