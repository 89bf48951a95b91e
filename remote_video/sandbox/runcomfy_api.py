"""RunComfy's Model API as the sandbox serves it, under /runcomfy."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from functools import wraps
from typing import Any
from urllib.parse import unquote

from .account import Account, cost_of
from .answer import Answer, Incoming
from .clip_plan import plan_of, words_in
from .contracts import Breach, Checked
from .job_store import Job, Standing, State
from .listing import OWN_KEY, Entry, Listing, contract_of, makes_pictures, name_of, published
from .prompt_flags import Flag, flag_in
from .reception import FAILURES, Reception, media_url, token_of
from .routes import Route

PROVIDER = "runcomfy"
STATUS_WORDS = {
    State.QUEUED: "in_queue",
    State.RUNNING: "in_progress",
    State.SUCCEEDED: "completed",
    State.FAILED: "completed",
    State.CANCELLED: "cancelled",
}
RESULT_WORDS = {**STATUS_WORDS, State.SUCCEEDED: "succeeded", State.FAILED: "failed"}
WANTS_ADDRESS = "URL scheme should be 'https' (asked for by [https-only] in the prompt)"
USUAL_PAGE = 20
COUNT = "num_images"


def error(status: int, code: int | str, message: str, **more: Any) -> Answer:
    """An error as RunComfy words it."""
    return Answer.of({"error_code": code, "error_message": message, **more}, status)


def _with_key(handler: Callable[..., Answer]) -> Callable[..., Answer]:
    @wraps(handler)
    def checked(self: RunComfyApi, request: Incoming, *arguments: str) -> Answer:
        if token_of(request.headers) is None:
            return error(401, 400004, "The token is missing, expired or revoked.")
        return handler(self, request, *arguments)

    return checked


class RunComfyApi:
    """Submit, status, result, cancel, models and balance."""

    def __init__(self, reception: Reception, listing: Listing, account: Account) -> None:
        self._reception = reception
        self._listing = listing
        self._account = account

    def routes(self) -> list[Route]:
        """In the order they are tried."""
        return [
            Route("runcomfy/balance", "GET", "/runcomfy/prod/v2/balance", self.balance),
            Route("runcomfy/models", "GET", "/runcomfy/v1/models", self.models),
            Route("runcomfy/model", "GET", "/runcomfy/v1/models/(.+)", self.model),
            Route("runcomfy/submit", "POST", "/runcomfy/v1/models/(.+)", self.submit),
            Route("runcomfy/status", "GET", "/runcomfy/v1/requests/([^/]+)/status", self.status),
            Route("runcomfy/result", "GET", "/runcomfy/v1/requests/([^/]+)/result", self.result),
            Route("runcomfy/cancel", "POST", "/runcomfy/v1/requests/([^/]+)/cancel", self.cancel),
        ]

    @_with_key
    def submit(self, request: Incoming, model_id: str) -> Answer:
        model_id = unquote(model_id)
        entry = self._listing.find(model_id)
        if entry is None:
            return _no_model(model_id)
        try:
            body = json.loads(request.body)
            checked = contract_of(entry).check(body)
        except (ValueError, RecursionError) as problem:
            return _refused([Breach((), f"The body is not JSON ({problem})", "json_invalid")])
        if checked.breaches:
            return _refused(checked.breaches)
        flag = flag_in(words_in(checked.inputs))
        if flag is Flag.HTTPS_ONLY and (inside := list(_data_uris(body))):
            return _refused([Breach(where, WANTS_ADDRESS, "url_scheme") for where in inside])
        refusal = _flagged(flag, model_id)
        return refusal or self._accept(request, model_id, entry, checked, flag)

    def _accept(self, request: Incoming, model_id: str, entry: Entry, checked: Checked, flag: Flag | None) -> Answer:
        settled = contract_of(entry).settled(checked.inputs)
        plan = plan_of(
            name_of(entry),
            settled,
            checked.files,
            told=model_id.split("/"),
            own=entry.get(OWN_KEY),
            picture=makes_pictures(entry),
        )
        cost = cost_of(entry, settled, plan)
        if not self._account.pay(cost):
            have = self._account.balance_usd
            return error(402, 400002, f"Insufficient balance: it costs {cost:.2f} USD, the balance is {have:.2f} USD.")
        files = {name: file.data for name, file in checked.files.items()}
        files |= {file.shown_as(name): file.still for name, file in checked.files.items() if file.still}
        job = self._reception.take_in(PROVIDER, model_id, checked.inputs, plan, files, flag, cost)
        return Answer.of({"request_id": job.request_id, "status": "in_queue", **_urls(request, job, cancel=True)}, 202)

    @_with_key
    def status(self, request: Incoming, request_id: str) -> Answer:
        found = self._reception.find(PROVIDER, request_id)
        if found is None:
            return _no_request(request_id)
        job, standing = found
        payload: dict[str, Any] = {
            "request_id": request_id,
            "status": STATUS_WORDS[standing.state],
            **_urls(request, job),
        }
        if standing.state is State.QUEUED:
            payload["queue_position"] = standing.queue_position
        return Answer.of(payload, finished=standing.over)

    @_with_key
    def result(self, request: Incoming, request_id: str) -> Answer:
        found = self._reception.find(PROVIDER, request_id)
        if found is None:
            return _no_request(request_id)
        job, standing = found
        payload: dict[str, Any] = {
            "request_id": request_id,
            "status": RESULT_WORDS[standing.state],
            "model_id": job.model_id,
            "created_at": _iso(job.submitted_at),
            "finished_at": _iso(job.cancelled_at or job.due_at) if standing.over else None,
        }
        if standing.state is State.SUCCEEDED:
            payload["output"] = _output(job, media_url(request.origin, job))
        if standing.state is State.FAILED:
            payload["error"] = FAILURES[job.fate]
        if standing.over and request.query("include_cost") == "true":
            payload["cost"] = job.cost_usd if standing.state is State.SUCCEEDED else 0.0
        return Answer.of(payload, finished=standing.over)

    @_with_key
    def cancel(self, request: Incoming, request_id: str) -> Answer:
        found = self._reception.find(PROVIDER, request_id)
        if found is None:
            return _no_request(request_id)
        job, standing = found
        outcome = "not_cancellable"
        if standing.state in (State.QUEUED, State.CANCELLED):
            self._reception.cancel(job)
            standing, outcome = Standing(State.CANCELLED), "cancelled"
        return Answer.of({"request_id": request_id, "status": STATUS_WORDS[standing.state], "outcome": outcome}, 202)

    @_with_key
    def model(self, request: Incoming, model_id: str) -> Answer:
        entry = self._listing.find(unquote(model_id))
        return Answer.of(published(entry, schema=True)) if entry else _no_model(model_id)

    @_with_key
    def models(self, request: Incoming) -> Answer:
        limit, offset = _whole(request.query("limit"), USUAL_PAGE), _whole(request.query("offset"), 0)
        search, schema = request.query("search").lower(), request.query("include_schema") == "true"
        found = [entry for entry in self._listing.all() if search in _title(entry)]
        page = [published(entry, schema=schema) for entry in found[offset : offset + limit]]
        return Answer.of({"models": page, "total": len(found), "limit": limit, "offset": offset})

    @_with_key
    def balance(self, request: Incoming) -> Answer:
        usd = self._account.balance_usd
        return Answer.of({"balance_usd": usd, "balance_microdollars": round(usd * 1e6), "currency": "USD"})


def _title(entry: Any) -> str:
    return f"{entry.get('model_id')} {entry.get('display_name')}".lower() if isinstance(entry, Mapping) else ""


def _output(job: Job, url: str) -> dict[str, Any]:
    """Where the result is: a clip, a picture, or as many pictures as were asked for."""
    if not job.plan.picture:
        return {"video": url}
    count = job.inputs.get(COUNT)
    return {"images": [url] * count} if isinstance(count, int) and count > 1 else {"image": url}


def _data_uris(value: Any, where: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where in a body there are files that it brings along."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in inner:
        yield from _data_uris(item, (*where, name))
    if isinstance(value, str) and value[:5].lower() == "data:":
        yield where


def _flagged(flag: Flag | None, model_id: str) -> Answer | None:
    if flag is Flag.MODERATION:
        return error(422, 422001, "The prompt was flagged by content moderation (asked for by [moderation]).")
    if flag is Flag.BALANCE:
        return error(402, 400002, "Insufficient balance (asked for by [balance] in the prompt).")
    if flag is Flag.BUSY:
        busy = error(429, 429, "Too many requests (asked for by [busy] in the prompt).")
        return busy.with_headers(Retry_After="1")
    return _no_model(model_id) if flag is Flag.GONE else None


def _refused(breaches: list[Breach]) -> Answer:
    words = "; ".join(f"{'.'.join(map(str, b.location)) or 'body'}: {b.message}" for b in breaches)
    return error(422, 422001, f"Input validation failed. {words}", detail=[breach.detail for breach in breaches])


def _no_model(model_id: str) -> Answer:
    return error(400, 400001, f"Model {model_id!r} does not exist or is no longer offered.")


def _no_request(request_id: str) -> Answer:
    return error(404, 404001, f"Request {request_id!r} was not found.")


def _urls(request: Incoming, job: Job, *, cancel: bool = False) -> dict[str, str]:
    base = f"{request.origin}/runcomfy/v1/requests/{job.request_id}"
    urls = {"status_url": f"{base}/status", "result_url": f"{base}/result"}
    return {**urls, "cancel_url": f"{base}/cancel"} if cancel else urls


def _whole(text: str, default: int) -> int:
    return int(text) if text.isdigit() else default


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat().replace("+00:00", "Z")
