"""Finished clips over HTTP: whole or by range, with the validators a resumed download needs (RFC 9110)."""

from __future__ import annotations

import hashlib
import re
from email.utils import formatdate
from pathlib import Path

from .answer import Answer, FileSlice, Incoming
from .job_store import Job, State
from .reception import Reception
from .renders import Renders
from .routes import Route

VIDEO_TYPE, PICTURE_TYPE = "video/mp4", "image/png"
RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class MediaFiles:
    """The media host: /media/<request id>/clip.mp4 or picture.png, no key asked for."""

    def __init__(self, reception: Reception, renders: Renders) -> None:
        self._reception = reception
        self._renders = renders
        self._tags: dict[tuple[Path, int], str] = {}

    def routes(self) -> list[Route]:
        return [Route("media", "GET", "/media/([^/]+)/(clip[.]mp4|picture[.]png)", self.get)]

    def get(self, request: Incoming, request_id: str, name: str) -> Answer:
        job = self._reception.store.find(request_id)
        if job is None or job.plan.file_name != name or self._reception.standing(job).state is not State.SUCCEEDED:
            return Answer(404, b"no such file\n", {"Content-Type": "text/plain"})
        return self.serve(request, job)

    def serve(self, request: Incoming, job: Job) -> Answer:
        """The clip of a finished job, or the part of it that was asked for."""
        path = self._renders.file(job)
        facts = path.stat()
        headers = {
            "Content-Type": PICTURE_TYPE if job.plan.picture else VIDEO_TYPE,
            "Accept-Ranges": "bytes",
            "ETag": self._tag(path, facts.st_mtime_ns),
            "Last-Modified": formatdate(facts.st_mtime, usegmt=True),
        }
        whole = Answer(200, FileSlice(path, 0, facts.st_size), headers)
        condition = request.headers.get("if-range")
        if condition and condition not in (headers["ETag"], headers["Last-Modified"]):
            return whole
        wanted = RANGE.fullmatch(request.headers.get("range", "").strip())
        if wanted is None or wanted.groups() == ("", ""):
            return whole
        return _part(path, facts.st_size, wanted, headers)

    def _tag(self, path: Path, changed_ns: int) -> str:
        key = (path, changed_ns)
        if key not in self._tags:
            self._tags[key] = f'"{hashlib.sha256(path.read_bytes()).hexdigest()[:32]}"'
        return self._tags[key]


def _part(path: Path, size: int, wanted: re.Match[str], headers: dict[str, str]) -> Answer:
    first, last = wanted.groups()
    if first:
        start, end = int(first), min(int(last) if last else size - 1, size - 1)
    else:
        start, end = max(size - int(last), 0), size - 1
    if start > end:
        return Answer(416, b"", {**headers, "Content-Range": f"bytes */{size}"})
    spoken = {**headers, "Content-Range": f"bytes {start}-{end}/{size}"}
    return Answer(206, FileSlice(path, start, end - start + 1), spoken)
