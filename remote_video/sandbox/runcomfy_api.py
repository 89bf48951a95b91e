"""RunComfy's Model API as the sandbox serves it, under /runcomfy."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from aiohttp import web

from .account import Account, cost_of
from .clip_plan import plan_of, words_in
from .contracts import Breach, Checked, breach
from .job_store import Job, Standing, State
from .listing import OWN_KEY, Entry, Listing, contract_of, makes_pictures, name_of, published
from .service import FAILURES, Flag, Handler, JobService, flag_in, has_key

PROVIDER = "runcomfy"
STATUS_WORDS = {
    State.QUEUED: "in_queue",
    State.RUNNING: "in_progress",
    State.SUCCEEDED: "completed",
    State.FAILED: "completed",
    State.CANCELLED: "cancelled",
}
RESULT_WORDS = {**STATUS_WORDS, State.SUCCEEDED: "succeeded", State.FAILED: "failed"}
REFUSALS = {
    Flag.MODERATION: (422, 422001, "The prompt was flagged by content moderation (asked for by [moderation])."),
    Flag.BALANCE: (402, 400002, "Insufficient balance (asked for by [balance] in the prompt)."),
    Flag.BUSY: (429, 429, "Too many requests (asked for by [busy] in the prompt)."),
}
USUAL_PAGE = 20
COUNT = "num_images"


def error(status: int, code: int | str, message: str, **more: Any) -> web.Response:
    """An error as RunComfy words it."""
    wait = {"Retry-After": "1"} if status == 429 else None
    return web.json_response({"error_code": code, "error_message": message, **more}, status=status, headers=wait)


@web.middleware
async def _with_key(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await handler(request) if has_key(request) else error(401, 400004, "The token is missing or revoked.")


class RunComfyApi:
    """Submit, status, result, cancel, models and balance."""

    def __init__(self, service: JobService, listing: Listing, account: Account) -> None:
        self._service, self._listing, self._account = service, listing, account

    def app(self) -> web.Application:
        app = web.Application(middlewares=[_with_key])
        app.add_routes(
            [
                web.get("/prod/v2/balance", self.balance),
                web.get("/v1/models", self.models),
                web.get("/v1/models/{model_id:.+}", self.model),
                web.post("/v1/models/{model_id:.+}", self.submit),
                web.get("/v1/requests/{request_id}/status", self.status),
                web.get("/v1/requests/{request_id}/result", self.result),
                web.post("/v1/requests/{request_id}/cancel", self.cancel),
                web.route("*", "/{rest:.*}", _not_found),
            ]
        )
        return app

    async def submit(self, request: web.Request) -> web.Response:
        return await asyncio.to_thread(self._submit, request.match_info["model_id"], await request.read())

    def _submit(self, model_id: str, data: bytes) -> web.Response:
        """On a thread: the media in it are opened, and some fetched."""
        entry = self._listing.find(model_id)
        if entry is None:
            return _no_model(model_id)
        try:
            body = json.loads(data)
            flag = flag_in(words_in(body))
            checked = contract_of(entry).check(body, by_address=flag is Flag.HTTPS_ONLY)
        except (ValueError, RecursionError) as problem:
            return _refused([breach((), f"The body is not JSON ({problem})", "json_invalid")])
        if checked.breaches:
            return _refused(checked.breaches)
        if flag is Flag.GONE:
            return _no_model(model_id)
        return error(*REFUSALS[flag]) if flag in REFUSALS else self._accept(model_id, entry, checked, flag)

    def _accept(self, model_id: str, entry: Entry, checked: Checked, flag: Flag | None) -> web.Response:
        settled = contract_of(entry).settled(checked.inputs)
        told, own, picture = model_id.split("/"), entry.get(OWN_KEY), makes_pictures(entry)
        plan = plan_of(name_of(entry), settled, checked.files, told=told, own=own, picture=picture)
        cost = cost_of(entry, settled, plan)
        if not self._account.pay(cost):
            have = self._account.balance_usd
            return error(402, 400002, f"Insufficient balance: it costs {cost:.2f} USD, the balance is {have:.2f} USD.")
        files = {name: file.data for name, file in checked.files.items()}
        files |= {file.shown_as(name): file.still for name, file in checked.files.items() if file.still}
        job = self._service.take_in(PROVIDER, model_id, checked.inputs, plan, files, flag, cost)
        said = {"request_id": job.request_id, "status": "in_queue", **self._urls(job, "status", "result", "cancel")}
        return web.json_response(said, status=202)

    async def status(self, request: web.Request) -> web.Response:
        job, standing = self._found(request)
        said = {"request_id": job.request_id, "status": STATUS_WORDS[standing.state]}
        place = {"queue_position": standing.queue_position} if standing.state is State.QUEUED else {}
        return web.json_response({**said, **self._urls(job, "status", "result"), **place})

    async def result(self, request: web.Request) -> web.Response:
        job, standing = self._found(request)
        said: dict[str, Any] = {
            "request_id": job.request_id,
            "status": RESULT_WORDS[standing.state],
            "model_id": job.model_id,
            "created_at": _iso(job.submitted_at),
            "finished_at": _iso(job.cancelled_at or job.due_at) if standing.over else None,
        }
        if standing.state is State.SUCCEEDED:
            said["output"] = _output(job, self._service.media_url(job))
        if standing.state is State.FAILED:
            said["error"] = FAILURES[job.fate]
        if standing.over and request.query.get("include_cost") == "true":
            said["cost"] = job.cost_usd if standing.state is State.SUCCEEDED else 0.0
        return web.json_response(said)

    async def cancel(self, request: web.Request) -> web.Response:
        job, standing = self._found(request)
        outcome = "not_cancellable"
        if standing.state in (State.QUEUED, State.CANCELLED):
            self._service.store.cancel(job)
            standing, outcome = Standing(State.CANCELLED), "cancelled"
        said = {"request_id": job.request_id, "status": STATUS_WORDS[standing.state], "outcome": outcome}
        return web.json_response(said, status=202)

    async def model(self, request: web.Request) -> web.Response:
        entry = self._listing.find(model_id := request.match_info["model_id"])
        return web.json_response(published(entry, schema=True)) if entry else _no_model(model_id)

    async def models(self, request: web.Request) -> web.Response:
        limit, offset = _whole(request.query.get("limit", ""), USUAL_PAGE), _whole(request.query.get("offset", ""), 0)
        search, schema = request.query.get("search", "").lower(), request.query.get("include_schema") == "true"
        found = [entry for entry in self._listing.all() if search in _title(entry)]
        page = [published(entry, schema=schema) for entry in found[offset : offset + limit]]
        return web.json_response({"models": page, "total": len(found), "limit": limit, "offset": offset})

    async def balance(self, request: web.Request) -> web.Response:
        usd = self._account.balance_usd
        return web.json_response({"balance_usd": usd, "balance_microdollars": round(usd * 1e6), "currency": "USD"})

    def _found(self, request: web.Request) -> tuple[Job, Standing]:
        request_id = request.match_info["request_id"]
        if found := self._service.find(PROVIDER, request_id):
            return found
        said = {"error_code": 404001, "error_message": f"Request {request_id!r} was not found."}
        raise web.HTTPNotFound(text=json.dumps(said), content_type="application/json")

    def _urls(self, job: Job, *steps: str) -> dict[str, str]:
        base = f"{self._service.origin()}/runcomfy/v1/requests/{job.request_id}"
        return {f"{step}_url": f"{base}/{step}" for step in steps}


def _title(entry: Any) -> str:
    return f"{entry.get('model_id')} {entry.get('display_name')}".lower() if isinstance(entry, Mapping) else ""


def _output(job: Job, url: str) -> dict[str, Any]:
    """Where the result is: a clip, a picture, or as many pictures as were asked for."""
    if not job.plan.picture:
        return {"video": url}
    count = job.inputs.get(COUNT)
    return {"images": [url] * count} if isinstance(count, int) and count > 1 else {"image": url}


def _refused(breaches: list[Breach]) -> web.Response:
    words = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in breaches)
    return error(422, 422001, f"Input validation failed. {words}", detail=breaches)


def _no_model(model_id: str) -> web.Response:
    return error(400, 400001, f"Model {model_id!r} does not exist or is no longer offered.")


async def _not_found(request: web.Request) -> web.Response:
    return web.json_response({"message": "Not Found"}, status=404)


def _whole(text: str, default: int) -> int:
    return int(text) if text.isdigit() else default


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat().replace("+00:00", "Z")
