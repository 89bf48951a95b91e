"""Finished clips over HTTP: whole or by range, with the validators a resumed download needs (RFC 9110)."""

from __future__ import annotations

import hashlib
import io
import re
from email.utils import formatdate
from functools import cache
from pathlib import Path

from PIL import Image

from .answer import Answer, FileSlice, Incoming
from .job_store import Job, State
from .reception import Reception
from .renders import Renders
from .routes import Route

VIDEO_TYPE, PICTURE_TYPE = "video/mp4", "image/png"
FREE_BOX = (16).to_bytes(4, "big") + b"free" + bytes(8)
RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class MediaFiles:
    """The media host: /media/<request id>/clip.mp4 or picture.png, no key asked for; beside it a take and a cover."""

    def __init__(self, reception: Reception, renders: Renders) -> None:
        self._reception = reception
        self._renders = renders
        self._tags: dict[tuple[Path, int], str] = {}

    def routes(self) -> list[Route]:
        return [
            Route("media", "GET", "/media/([^/]+)/(clip[.]mp4|picture[.]png)", self.get),
            Route("media", "GET", "/media/([^/]+)/(second[.]mp4|cover[.]png)", self.beside),
        ]

    def get(self, request: Incoming, request_id: str, name: str) -> Answer:
        job = self._reception.store.find(request_id)
        if job is None or job.plan.file_name != name or self._reception.standing(job).state is not State.SUCCEEDED:
            return Answer(404, b"no such file\n", {"Content-Type": "text/plain"})
        return self.serve(request, job)

    def beside(self, request: Incoming, request_id: str, name: str) -> Answer:
        """What some jobs make besides their clip: the same pictures in a file with other bytes, and a cover."""
        clip = self.get(request, request_id, "clip.mp4")
        if clip.status >= 400:
            return clip
        data = _cover() if name.endswith(".png") else whole_bytes(clip) + FREE_BOX
        kind = "image/png" if name.endswith(".png") else VIDEO_TYPE
        return Answer(200, data, {"Content-Type": kind, "ETag": f'"{hashlib.sha256(data).hexdigest()[:32]}"'})

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


@cache
def _cover() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), (40, 90, 160)).save(file, "PNG")
    return file.getvalue()


def whole_bytes(answer: Answer) -> bytes:
    """The file that a good answer is of, or is a part of."""
    return answer.body if isinstance(answer.body, bytes) else answer.body.path.read_bytes()


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
