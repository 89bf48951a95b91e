"""Clips are rendered in the background, at most two at once, from the moment their job is accepted."""

from __future__ import annotations

import logging
import queue
import threading
import uuid
from pathlib import Path

from .clips import render
from .job_store import Fate, Job, JobStore, move_into_place

WORKERS = 2
log = logging.getLogger("remote_video")


class Renders:
    """A bounded pool of daemon threads that turns jobs into files.

    Args:
        store: where jobs and clips are.
        prebuilt: an MP4 to serve for every job instead; nothing is rendered then.
    """

    def __init__(self, store: JobStore, prebuilt: Path | None = None) -> None:
        self._store = store
        self._prebuilt = prebuilt
        self._waiting: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._known: set[str] = set()
        self._lock = threading.Lock()
        self._workers: list[threading.Thread] = []

    def want(self, job: Job) -> None:
        """Have the clip of a job made, unless it is there or on its way. Returns at once."""
        if job.fate is not Fate.SUCCEEDS or self.ready(job):
            return
        with self._lock:
            if job.request_id in self._known:
                return
            self._known.add(job.request_id)
            if len(self._workers) < WORKERS:
                worker = threading.Thread(target=self._work, name="sandbox-render", daemon=True)
                self._workers.append(worker)
                worker.start()
        self._waiting.put(job)

    def ready(self, job: Job) -> bool:
        return self.file(job).exists()

    def file(self, job: Job) -> Path:
        """Where the clip of a job is, once it is ready."""
        return self._prebuilt if self._prebuilt and not job.plan.picture else self._store.clip(job)

    def stop(self) -> None:
        """Let running renders end and begin no more. The pool can be used again afterwards."""
        with self._lock:
            workers, self._workers = self._workers, []
            while not self._waiting.empty():
                self._waiting.get()
            self._known.clear()
        for _ in workers:
            self._waiting.put(None)
        for worker in workers:
            worker.join()

    def _work(self) -> None:
        while (job := self._waiting.get()) is not None:
            try:
                self._render(job)
            except Exception:
                log.exception("the sandbox could not render the clip of %s", job.request_id)
                self._store.fail(job)
            finally:
                with self._lock:
                    self._known.discard(job.request_id)

    def _render(self, job: Job) -> None:
        current = self._store.find(job.request_id)
        if current is None or current.cancelled_at is not None or self.ready(job):
            return
        path = self._store.clip(job)
        part = path.with_name(f"clip.{uuid.uuid4().hex}.part")
        images = [self._store.file(job, name).read_bytes() for name in job.plan.images]
        try:
            render(job.plan, images, part)
            move_into_place(part, path)
        finally:
            part.unlink(missing_ok=True)
