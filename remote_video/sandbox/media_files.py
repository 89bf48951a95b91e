"""Finished clips over HTTP: whole or by range, with the validators a resumed download needs (RFC 9110)."""

from __future__ import annotations

from contextlib import suppress
from email.utils import formatdate

from aiohttp import web

from .job_store import Job, State
from .service import JobService

TYPES = {"clip.mp4": "video/mp4", "picture.png": "image/png"}


class MediaFiles:
    """The media host: /media/<request id>/clip.mp4 or picture.png, no key asked for."""

    def __init__(self, service: JobService) -> None:
        self._service = service

    async def get(self, request: web.Request) -> web.Response:
        job = self._service.store.find(request.match_info["request_id"])
        named = job is not None and job.plan.file_name == request.match_info["name"]
        if job is None or not named or self._service.standing(job).state is not State.SUCCEEDED:
            return web.Response(status=404, text="no such file\n")
        return self.serve(request, job)

    def serve(self, request: web.Request, job: Job) -> web.Response:
        """The clip of a finished job, or the part of it that was asked for.

        aiohttp's FileResponse would not do: to an If-Range with the tag of another file it sends a part of this one.
        """
        path = self._service.clip(job)
        facts, data = path.stat(), path.read_bytes()
        headers = {
            "Content-Type": TYPES[job.plan.file_name],
            "Accept-Ranges": "bytes",
            "ETag": f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"',
            "Last-Modified": formatdate(facts.st_mtime, usegmt=True),
        }
        wanted, is_the_same = slice(None, None, 1), (headers["ETag"], headers["Last-Modified"])
        with suppress(ValueError):
            wanted = request.http_range
        if wanted == slice(None, None, 1) or request.headers.get("If-Range", headers["ETag"]) not in is_the_same:
            return web.Response(body=data, headers=headers)
        start, end, _ = wanted.indices(len(data))
        if start >= end:
            return web.Response(status=416, headers={**headers, "Content-Range": f"bytes */{len(data)}"})
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
        return web.Response(status=206, body=data[start:end], headers=headers)
