"""From a finished job to files on disk: the clip, and what else the job brought."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ..clips.digest import sha256
from ..clips.download import disk_error
from ..clips.output_file import Target
from ..errors import JobExpired, RemoteVideoError
from ..ledger.ledger import Lease
from ..ledger.lifecycle import Event
from ..ledger.record import MAX_FILES, JobRecord, OtherFile, kept_others
from ..media.saved_file import check_video
from ..providers.status import JobStatus, MediaSource, TransientError
from .other_files import Arrived, OtherFiles, named, planned
from .saved import drop_parts, kept_part, others_here, save_sidecar, tidied
from .tools import Tools
from .transfer import Incoming, NotHad, Transfer

_log = logging.getLogger("remote_video")


class Fetcher:
    """Brings the files of one job home: fresh addresses, download, check, final names."""

    def __init__(self, tools: Tools, lease: Lease, record: JobRecord) -> None:
        self._tools = tools
        self._lease = lease
        self._record = record
        self._request_id = record.request_id or ""
        self._provider = record.provider
        self._validator = record.part_validator
        self._transfer = Transfer(tools, record)
        self._others = OtherFiles(tools, record, self._transfer)

    async def bring(self, status: JobStatus | None) -> JobRecord:
        """Download until all files are whole, then give them their names and write them down.

        Args:
            status: the one that told of their addresses, when it is fresh.

        Raises:
            DownloadError: not this time; the part received is kept and the job stays finished.
            JobExpired: the provider no longer knows the job.
        """
        tools = self._tools
        self._transfer.show("downloading")
        tools.answer_accepted()
        if tools.cancel.is_set():
            tools.cancel.clear()
            tools.tell_finished()
        place = await tools.call(tools.pools.downloads, self._place)
        part = place.part(self._record.key)
        clip = await tools.call(tools.pools.downloads, lambda: place.published_before(part))
        others: list[OtherFile] = [*self._record.other_files]
        if clip is None:
            status, number = await self._bring_clip(place, status)
            others = planned(status, self._record.other_files, number)
        return await self._keep(place, await self._others.bring(others, place, part, clip, status))

    async def complete(self, clip: Path) -> JobRecord:
        """Download the further files that a saved clip still lacks: failed before, or deleted."""
        tools, record, folder = self._tools, self._record, self._tools.order.folder
        if not any(other.is_due for other in record.other_files):
            return record
        place = await tools.call(tools.pools.downloads, tools.order.place)
        part = replace(place, folder=clip.parent, stem=clip.stem).part(record.key)
        is_own = tools.order.settings.is_own(record.saved_on)
        if is_own:
            await tools.keep(lambda ledger: ledger.note(self._lease, part_path=folder.kept(part)))
        brought = await self._others.bring([*record.other_files], place, part, clip, None)

        def store() -> JobRecord:
            try:
                others: dict[str, Any] = {"others": kept_others(named(brought, place, clip))}
            except OSError as error:
                raise disk_error(error, clip.parent) from error
            if not is_own:
                return replace(record, **others)
            tools.ledger.note(self._lease, **others)
            known = replace(record, part_path=folder.kept(part), **others)
            return tidied(tools.ledger, self._lease, known, folder)

        return await tools.call(tools.pools.downloads, store)

    def _place(self) -> Target:
        """Where the clip goes; a partial file that lies elsewhere is dropped, other files are known where they are."""
        folder, place = self._tools.order.folder, self._tools.order.place()
        part, old = place.part(self._record.key), kept_part(self._record, folder)
        if part.is_symlink() or (part.exists() and not part.is_file()):
            part.unlink()  # somebody put it there
            old = None
        if old != part or self._record.output_folder != str(folder.root):
            if old is not None and old != part:
                drop_parts(old, self._record)
            self._validator = None
            known: dict[str, Any] = {"output_folder": str(folder.root), "part_path": folder.kept(part)}
            if self._record.others is not None:
                known["others"] = kept_others(others_here(self._record, self._tools.order))
            self._tools.ledger.note(self._lease, **known, part_validator=None)
            self._record = replace(self._record, **known)
        return place

    async def _bring_clip(self, place: Target, status: JobStatus | None) -> tuple[JobStatus, int]:
        """The first file that is available and is a video, the answer that named it, and its position there, from 1."""
        part, trouble = place.part(self._record.key), None
        known, number = status, 1
        while True:
            sources = partial(_sources_of, number)
            file = Incoming(part, "The clip", check_video, sources, "video", self._validator, self._note_validator)
            asked: list[JobStatus] = [known] if known else []

            async def fresh(asked: list[JobStatus] = asked) -> JobStatus:
                asked.append(await self._fresh_addresses(place))
                return asked[-1]

            try:
                known, _ = await self._transfer.bring(file, status, fresh)
                return known, number
            except NotHad as error:
                trouble = trouble or error
                known = asked[-1] if asked else None
                if not error.is_gone or known is None or number >= min(len(known.files), MAX_FILES):
                    raise trouble from None
            number, status = number + 1, known

    async def _fresh_addresses(self, place: Target) -> JobStatus:
        tools, status = self._tools, await self._transfer.fresh_addresses()
        if status is None:
            what = f"{self._provider} no longer knows the job, and the clip was not saved before."
            await tools.call(tools.pools.ledger, partial(self._note_not_found, what, place))
            raise JobExpired(what, request_id=self._request_id)
        return status

    def _note_not_found(self, what: str, place: Target) -> None:
        drop_parts(place.part(self._record.key), self._record)
        facts: dict[str, Any] = {"error": what, "error_kind": JobExpired.__name__, "part_path": None}
        self._tools.ledger.record(self._lease, Event.NOT_FOUND, **facts)

    async def _keep(self, place: Target, others: list[OtherFile | Arrived]) -> JobRecord:
        """Give all their final names, and write that down, with a cost that came late."""
        tools = self._tools
        record = await tools.call(tools.pools.downloads, lambda: self._publish(place, others))
        if record.cost_usd is not None or not tools.order.client.reports_cost:
            return record
        try:
            cost = (await tools.ask(lambda: tools.order.client.status(self._request_id))).cost_usd
        except (TransientError, RemoteVideoError) as error:
            _log.info("The cost of %s is not known yet: %s", self._request_id, error)
            return record
        await tools.keep(lambda ledger: ledger.note(self._lease, cost_usd=cost))
        return replace(record, cost_usd=cost)

    def _publish(self, place: Target, others: list[OtherFile | Arrived]) -> JobRecord:
        part = place.part(self._record.key)
        try:
            size, digest = part.stat().st_size, sha256(part)
            final = place.publish(part)
            files = named(others, place, final)
        except OSError as error:
            raise disk_error(error, part.parent) from error
        folder = self._tools.order.folder
        save_sidecar(final, self._tools.order.job.sidecar, folder)
        facts: dict[str, Any] = {"path": folder.kept(final), "bytes": size, "sha256": digest}
        facts |= {"others": kept_others(files), "saved_on": self._tools.order.settings.host, "shared_in": None}
        ledger = self._tools.ledger
        record = ledger.record(self._lease, Event.STORED, error=None, error_kind=None, **facts)
        return tidied(ledger, self._lease, record, folder)

    def _note_validator(self, validator: str | None) -> None:
        self._validator = validator
        self._tools.ledger.note(self._lease, part_validator=validator)


def _sources_of(number: int, status: JobStatus) -> tuple[MediaSource, ...]:
    return status.files[number - 1] if number <= len(status.files) else ()
