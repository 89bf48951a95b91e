"""From a finished job to a file on disk that is known to be the clip."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ..backoff import backoff
from ..clips.download import MAX_SOURCES, Abandoned, ClipTooLarge, Download, NotAVideo, NotThere, disk_error
from ..clips.media_host import AddressRefused, NotTrusted, Reach
from ..clips.output_file import Target
from ..errors import DownloadError, JobExpired, MediaError, RemoteVideoError
from ..ledger.ledger import Lease
from ..ledger.lifecycle import Event, State
from ..ledger.record import JobRecord
from ..media.clip import Clip
from ..media.mp4_boxes import missing_bytes
from ..outside_text import quoted
from ..providers.status import JobState, JobStatus, MediaSource, TransientError
from .follow import NOT_FOUND_ANSWERS
from .saved import kept_part, save_sidecar, sha256, tidied
from .tools import Tools

MAX_TRIES = 8
"""In a row, without a byte gained."""
SAY_EVERY_S = 1.0

_log = logging.getLogger("remote_video")


class Fetcher:
    """Brings one clip home: fresh addresses, download, check, final name."""

    def __init__(self, tools: Tools, lease: Lease, record: JobRecord) -> None:
        self._tools = tools
        self._lease = lease
        self._record = record
        self._request_id = record.request_id or ""
        self._provider = record.provider
        self._validator = record.part_validator
        self._said = 0.0

    async def bring(self, status: JobStatus | None) -> JobRecord:
        """Download until the file is whole, then give it its name and write it down.

        Args:
            status: the one that told of the clip's addresses, when it is fresh.

        Raises:
            DownloadError: not this time; what came is kept and the job stays finished.
            JobExpired: the provider no longer knows the job.
        """
        tools = self._tools
        self._show("downloading")
        tools.answer_accepted()
        if tools.cancel.is_set():
            tools.cancel.clear()
            tools.tell_finished()
        place = await tools.call(tools.pools.downloads, self._place)
        if await tools.call(tools.pools.downloads, lambda: place.published_before(self._part(place)) is not None):
            return await self._keep(place)
        timeouts, tries, no_video = tools.timeouts, 0, False
        while True:
            had = self._have(place)
            try:
                known, status = status or await self._fresh_addresses(place), None
                return await self._bring_from(known.sources, place)
            except NotAVideo as error:
                tries, no_video = (MAX_TRIES if no_video else tries), True
                why, asked_for = str(error), 0.0
            except TransientError as trouble:
                why, asked_for = str(trouble), min(trouble.retry_after or 0.0, timeouts.longest_retry_after)
            tries = 1 if self._have(place) > had else tries + 1
            if tries >= MAX_TRIES:
                what = f"The clip is finished at {self._provider} but could not be downloaded: {why}."
                raise DownloadError(what, request_id=self._request_id)
            self._show(f"downloading again ({why})")
            pause = backoff(tries - 1, timeouts.refetch_pause, timeouts.longest_refetch_pause, at_least=asked_for)
            await asyncio.sleep(pause)

    def _place(self) -> Target:
        """Where the clip goes; a partial file that lies elsewhere is dropped."""
        folder, place = self._tools.order.folder, self._tools.order.place()
        part, old = self._part(place), kept_part(self._record, folder)
        if part.is_symlink() or (part.exists() and not part.is_file()):
            part.unlink()  # somebody put it there
            old = None
        if old != part or self._record.output_folder != str(folder.root):
            if old is not None and old != part:
                old.unlink(missing_ok=True)
            self._validator = None
            known: dict[str, Any] = {"output_folder": str(folder.root), "part_path": folder.kept(part)}
            self._tools.ledger.note(self._lease, **known, part_validator=None)
            self._record = replace(self._record, **known)
        return place

    def _part(self, place: Target) -> Path:
        return place.part(self._record.key)

    def _have(self, place: Target) -> int:
        part = self._part(place)
        return part.stat().st_size if part.exists() else 0

    async def _bring_from(self, sources: tuple[MediaSource, ...], place: Target) -> JobRecord:
        """Try each address, best first.

        Raises:
            DownloadError: every address is one that asking again won't make good, or the disk takes nothing.
            NotAVideo, TransientError: of all addresses.
        """
        troubles: list[Exception] = []
        for source in sources[:MAX_SOURCES]:
            try:
                return await self._bring_one(source, place)
            except (TransientError, NotThere, NotAVideo, MediaError, AddressRefused, ClipTooLarge) as error:
                troubles.append(error)
        words = [error.what if isinstance(error, RemoteVideoError) else str(error) for error in troubles]
        why = "; ".join(dict.fromkeys(word.rstrip(".") for word in words))
        if troubles and all(isinstance(error, DownloadError) for error in troubles):
            remedy = next((error.next_step for error in troubles if isinstance(error, NotTrusted)), None)
            raise DownloadError(f"The clip can't be downloaded: {why}.", next_step=remedy, request_id=self._request_id)
        if troubles and all(isinstance(error, (DownloadError, NotAVideo, MediaError)) for error in troubles):
            raise NotAVideo(why)
        waits = [getattr(error, "retry_after", None) or 0.0 for error in troubles]
        raise TransientError(why or "the provider named no address for the clip", max(waits, default=None))

    async def _bring_one(self, source: MediaSource, place: Target) -> JobRecord:
        is_whole = await self._download(source, place)
        try:
            return await self._keep(place)
        except MediaError as error:
            if is_whole:
                raise
            raise TransientError(error.what) from error

    async def _fresh_addresses(self, place: Target) -> JobStatus:
        tools, status = self._tools, None
        for attempt in range(NOT_FOUND_ANSWERS):
            if attempt:
                await asyncio.sleep(tools.timeouts.gone_pause)
            status = await tools.ask(lambda: tools.order.client.status(self._request_id))
            if status.state is not JobState.NOT_FOUND:
                break
        if status is None or status.state is JobState.NOT_FOUND:
            what = f"{self._provider} no longer knows the job, and the clip was not saved before."
            await tools.call(tools.pools.ledger, partial(self._note_not_found, what, place))
            raise JobExpired(what, request_id=self._request_id)
        if status.state is not JobState.SUCCEEDED:
            raise TransientError(f"{self._provider} now calls the job {quoted(status.raw_status)}")
        return status

    def _note_not_found(self, what: str, place: Target) -> None:
        self._part(place).unlink(missing_ok=True)
        facts: dict[str, Any] = {"error": what, "error_kind": JobExpired.__name__, "part_path": None}
        self._tools.ledger.record(self._lease, Event.NOT_FOUND, **facts)

    async def _download(self, source: MediaSource, place: Target) -> bool:
        """Whether what came is certain to be whole."""
        tools = self._tools
        transfer = Download(
            part=self._part(place),
            opener=tools.order.folder.opener,
            validator=self._validator,
            auth_headers=tools.order.client.auth_headers,
            reach=Reach.of(tools.order.client.endpoint, tools.order.settings.fake_ip_ranges),
            note_validator=self._note_validator,
            progressed=self._progressed,
            deadline=time.monotonic() + tools.timeouts.download,
            timeouts=tools.timeouts,
            max_bytes=tools.order.settings.max_clip_bytes,
            say=self._warn,
        )
        try:
            return await tools.call(tools.pools.downloads, lambda: transfer.fetch(source))
        except DownloadError as error:
            if isinstance(error, (AddressRefused, ClipTooLarge)):
                raise
            raise DownloadError(error.what, next_step=error.next_step, request_id=self._request_id) from error
        finally:
            transfer.abandon()

    async def _keep(self, place: Target) -> JobRecord:
        """Check that it is a clip, give it its final name, and write that down, with a cost that came late."""
        tools = self._tools
        record = await tools.call(tools.pools.downloads, lambda: self._check_and_publish(place))
        if record.cost_usd is not None or not tools.order.client.reports_cost:
            return record
        try:
            cost = (await tools.ask(lambda: tools.order.client.status(self._request_id))).cost_usd
        except (TransientError, RemoteVideoError) as error:
            _log.info("The cost of %s is not known yet: %s", self._request_id, error)
            return record
        await tools.keep(lambda ledger: ledger.note(self._lease, cost_usd=cost))
        return replace(record, cost_usd=cost)

    def _check_and_publish(self, place: Target) -> JobRecord:
        part = self._part(place)
        try:
            _check(part)
            size, digest = part.stat().st_size, sha256(part)
            final = place.publish(part)
        except OSError as error:
            raise disk_error(error, part.parent) from error
        folder = self._tools.order.folder
        save_sidecar(final, self._tools.order.job.sidecar, folder)
        facts: dict[str, Any] = {"path": folder.kept(final), "bytes": size, "sha256": digest, "sidecar": None}
        ledger = self._tools.ledger
        record = ledger.record(self._lease, Event.STORED, error=None, error_kind=None, **facts)
        return tidied(ledger, self._lease, record, folder)

    def _note_validator(self, validator: str | None) -> None:
        self._validator = validator
        self._tools.ledger.note(self._lease, part_validator=validator)

    def _progressed(self, have: int, whole: int | None) -> None:
        """On a download thread."""
        if self._tools.engine.ended.is_set():
            raise Abandoned
        if time.monotonic() - self._said < SAY_EVERY_S and have != whole:
            return
        self._said = time.monotonic()
        of = f" of {whole / 1e6:.1f}" if whole else ""
        self._tools.engine.soon(lambda: self._show(f"downloading {have / 1e6:.1f}{of} MB"))

    def _warn(self, text: str) -> None:
        """On a download thread."""
        _log.warning("%s: %s", self._request_id, text)
        self._tools.engine.soon(lambda: self._show(text))

    def _show(self, text: str) -> None:
        self._tools.show(f"{text} | {self._request_id}", State.FINISHED, self._request_id)


def _check(part: Path) -> None:
    """Raises MediaError, and drops what came, when it is not a whole video."""
    try:
        Clip.open(part)
        if missing := missing_bytes(part):
            raise MediaError(f"{missing:,} bytes are missing from its end")
    except MediaError as error:
        part.unlink(missing_ok=True)
        raise MediaError(f"what came is not a whole video ({error.what.rstrip('.')})") from error
