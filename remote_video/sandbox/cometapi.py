"""CometAPI's shared video route as the sandbox serves it, under /cometapi."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from aiohttp import BodyPartReader, web

from .clip_plan import comet_veo
from .job_store import Job, Standing, State
from .media_files import MediaFiles
from .service import FAILURES, Flag, Handler, JobService, flag_in, has_key
from .submitted import MediaRefused, open_media

PROVIDER = "cometapi"
USUAL = {"prompt": "", "model": "veo3-fast", "size": "16x9"}
SIZES = ("16x9", "9x16")
REFERENCE = "input_reference"
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
REFUSALS = {
    Flag.MODERATION: (400, "content_policy_violation", "The prompt was flagged by content moderation"),
    Flag.BALANCE: (403, "insufficient_user_quota", "The account's balance is not enough"),
    Flag.BUSY: (429, "rate_limit_exceeded", "Too many requests"),
    Flag.GONE: (503, "model_not_found", "No channel offers this model"),
}


class Refused(Exception):
    """A request gets an error as CometAPI words it; `param` is the field that breaks the contract."""

    def __init__(self, status: int, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        text = f"{message} (request id: {uuid.uuid4().hex[:24]})"
        self.status = status
        self.said = {"error": {"message": text, "type": "comet_api_error", "param": param, "code": code}}


@web.middleware
async def _in_its_words(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        if not has_key(request):
            raise Refused(401, "", "Invalid token")
        return await handler(request)
    except Refused as refused:
        wait = {"Retry-After": "1"} if refused.status == 429 else None
        return web.json_response(refused.said, status=refused.status, headers=wait)


class CometApi:
    """Create, retrieve, content, models and the public catalogue."""

    def __init__(self, service: JobService, media: MediaFiles) -> None:
        self._service, self._media = service, media

    def app(self) -> web.Application:
        app = web.Application(middlewares=[_in_its_words])
        app.add_routes(
            [
                web.post("/videos", self.create),
                web.get("/videos/{task_id}", self.retrieve),
                web.get("/videos/{task_id}/content", self.content),
                web.get("/models", self.models),
            ]
        )
        return app

    async def create(self, request: web.Request) -> web.Response:
        return web.json_response(await asyncio.to_thread(self._create, *await _form(request)))

    def _create(self, fields: dict[str, str], references: list[tuple[bytes, str]]) -> dict[str, Any]:
        """On a thread: images are opened."""
        model, size, prompt = fields["model"], fields["size"], fields["prompt"]
        if not prompt.strip():
            raise Refused(400, "invalid_request", "prompt is required", "prompt")
        if size not in SIZES:
            raise Refused(400, "invalid_request", f"size must be one of {', '.join(SIZES)}; found {size!r}", "size")
        try:
            if len(references) > MOST_REFERENCES:
                raise MediaRefused(f"at most {MOST_REFERENCES} {REFERENCE} files; found {len(references)}")
            pictures = [open_media("image", *reference) for reference in references]
        except MediaRefused as problem:
            raise Refused(400, "invalid_request", str(problem), REFERENCE) from problem
        flag = flag_in(prompt)
        if flag in REFUSALS:
            raise Refused(*REFUSALS[flag], "prompt")
        if not model.startswith("veo"):
            raise Refused(503, "model_not_found", f"No available channel for model {model}", "model")
        files = {f"{REFERENCE}-{index}{picture.suffix}": picture.data for index, picture in enumerate(pictures)}
        plan = comet_veo(prompt, size, model, tuple(files))
        inputs = {**fields, REFERENCE: list(files)}
        job = self._service.take_in(PROVIDER, model, inputs, plan, files, flag, ALIASES.get(model, 0.0))
        return _task(job, Standing(State.QUEUED))

    async def retrieve(self, request: web.Request) -> web.Response:
        job, standing = self._found(request)
        task = _task(job, standing)
        if standing.over:
            task["completed_at"] = int(job.due_at)
        if standing.state is State.SUCCEEDED:
            task["video_url"] = self._service.media_url(job)
        if standing.state is State.FAILED:
            task["error"] = {"message": FAILURES[job.fate], "code": "generation_failed"}
        return web.json_response(task)

    async def content(self, request: web.Request) -> web.StreamResponse:
        job, standing = self._found(request)
        if standing.state is not State.SUCCEEDED:
            message = f"Task {job.request_id} is {WORDS[standing.state]}; it has no content"
            raise Refused(400, "invalid_request", message)
        return self._media.serve(request, job)

    async def models(self, request: web.Request) -> web.Response:
        data = [{"id": name, "object": "model", "owned_by": "sandbox"} for name in ALIASES]
        return web.json_response({"object": "list", "data": data})

    async def catalogue(self, request: web.Request) -> web.Response:
        """Public: without a key, and beside the API."""
        data = [{"id": name, "pricing": {"per_request": price}} for name, price in ALIASES.items()]
        return web.json_response({"success": True, "data": data})

    def _found(self, request: web.Request) -> tuple[Job, Standing]:
        task_id = request.match_info["task_id"]
        if found := self._service.find(PROVIDER, task_id):
            return found
        raise Refused(404, "task_not_exist", f"Task {task_id} does not exist")


async def _form(request: web.Request) -> tuple[dict[str, str], list[tuple[bytes, str]]]:
    """Its fields, and its images with their types."""
    fields, references = dict(USUAL), []
    try:
        if request.content_type != "multipart/form-data":
            raise ValueError("Content-Type is not multipart/form-data")
        reader = await request.multipart()
        while isinstance(part := await reader.next(), BodyPartReader):
            data = bytes(await part.read())
            if part.name == REFERENCE:
                references.append((data, part.headers.get("Content-Type", "")))
            elif part.name in fields:
                fields[part.name] = data.decode(errors="replace")
            else:
                raise Refused(400, "invalid_request", f"unknown field {part.name!r}", part.name)
    except (ValueError, AssertionError) as problem:  # aiohttp 3.11 asserts that a form goes on
        raise Refused(400, "invalid_request", f"The form can't be read ({problem})") from problem
    return fields, references


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
