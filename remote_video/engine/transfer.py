"""Bringing one file of a finished job into its partial file: fresh addresses, tries, download, check."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from ..backoff import backoff
from ..clips.download import MAX_SOURCES, Abandoned, ClipTooLarge, Download, NotAVideo, NotThere
from ..clips.media_host import AddressRefused, NotTrusted, Reach
from ..errors import DownloadError, MediaError, RemoteVideoError
from ..ledger.lifecycle import State
from ..ledger.record import JobRecord
from ..outside_text import quoted
from ..providers.status import JobState, JobStatus, MediaSource, TransientError
from .follow import NOT_FOUND_ANSWERS
from .tools import Tools

MAX_TRIES = 8
"""In a row, without a byte gained."""
SAY_EVERY_S = 1.0

_log = logging.getLogger("remote_video")


class NotHad(DownloadError):
    """A file could not be brought here.

    Args:
        is_gone: it is no use to try again later.
    """

    def __init__(
        self, what: str, *, is_gone: bool = False, next_step: str | None = None, request_id: str | None = None
    ) -> None:
        super().__init__(what, next_step=next_step, request_id=request_id)
        self.is_gone = is_gone


@dataclass
class Incoming:
    """A file on its way.

    Args:
        part: where its bytes go.
        name: what it is called, at the begin of a sentence.
        check: how its name will end, once it is here; raises MediaError when it is not what it should be, or not whole.
        sources: its addresses in an answer of the provider.
        kind: what it should be.
        validator, note_validator: see `Download`.
    """

    part: Path
    name: str
    check: Callable[[Path], str]
    sources: Callable[[JobStatus], tuple[MediaSource, ...]]
    kind: str
    validator: str | None = None
    note_validator: Callable[[str | None], None] = lambda validator: None

    def have(self) -> int:
        """Bytes so far."""
        return self.part.stat().st_size if self.part.exists() else 0

    def checked(self) -> str:
        """As `check`; what is not a whole file of its kind is dropped."""
        try:
            return self.check(self.part)
        except MediaError as error:
            self.part.unlink(missing_ok=True)
            raise MediaError(f"the answer is not a complete {self.kind} ({error.what.rstrip('.')})") from error

    def keep_validator(self, validator: str | None) -> None:
        """What the bytes so far are part of."""
        self.validator = validator
        self.note_validator(validator)


class Transfer:
    """Brings files of one job here."""

    def __init__(self, tools: Tools, record: JobRecord) -> None:
        self._tools = tools
        self._request_id = record.request_id or ""
        self._provider = record.provider
        self._said = 0.0

    async def bring(
        self,
        file: Incoming,
        status: JobStatus | None,
        fresh: Callable[[], Awaitable[JobStatus]],
        most_tries: int = MAX_TRIES,
    ) -> tuple[JobStatus, str]:
        """Download until the file is whole.

        Args:
            status: the one that told of its addresses, when it is fresh.
            fresh: asks for another one.

        Returns:
            The answer whose addresses were right, and how the file's name will end.

        Raises:
            NotHad: not this time; the part received is kept.
            DownloadError: the disk takes nothing.
        """
        timeouts, tries, no_video = self._tools.timeouts, 0, False
        while True:
            had = file.have()
            try:
                known, status = status or await fresh(), None
                return known, await self._from_any(file, file.sources(known))
            except NotAVideo as error:
                tries, no_video, is_gone = (most_tries if no_video else tries), True, True
                why, asked_for = str(error), 0.0
            except (TransientError, NotThere) as trouble:
                is_gone = isinstance(trouble, NotThere)
                why, asked_for = str(trouble), getattr(trouble, "retry_after", None) or 0.0
            tries = 1 if file.have() > had else tries + 1
            if tries >= most_tries:
                what = f"{file.name} is finished at {self._provider} but could not be downloaded: {why}."
                raise NotHad(what, is_gone=is_gone, request_id=self._request_id)
            self.show(f"downloading again ({why})")
            at_least = min(asked_for, timeouts.longest_retry_after)
            await asyncio.sleep(
                backoff(tries - 1, timeouts.refetch_pause, timeouts.longest_refetch_pause, at_least=at_least)
            )

    async def fresh_addresses(self) -> JobStatus | None:
        """Ask once more where the files are; None when the provider knows no such job, several times in a row.

        Raises:
            TransientError: no usable answer, or the job is not finished after all.
        """
        tools = self._tools
        for attempt in range(NOT_FOUND_ANSWERS):
            if attempt:
                await asyncio.sleep(tools.timeouts.gone_pause)
            status = await tools.ask(lambda: tools.order.client.status(self._request_id))
            if status.state is JobState.SUCCEEDED:
                return status
            if status.state is not JobState.NOT_FOUND:
                raise TransientError(f"{self._provider} now calls the job {quoted(status.raw_status)}")
        return None

    async def _from_any(self, file: Incoming, sources: tuple[MediaSource, ...]) -> str:
        """Try each address, best first.

        Raises:
            NotHad: every address is one that asking again won't make good.
            NotAVideo, NotThere, TransientError: of all addresses.
            DownloadError: the disk takes nothing.
        """
        troubles: list[Exception] = []
        for source in sources[:MAX_SOURCES]:
            try:
                return await self._from(file, source)
            except (TransientError, NotThere, NotAVideo, MediaError, AddressRefused, ClipTooLarge) as error:
                troubles.append(error)
        words = [error.what if isinstance(error, RemoteVideoError) else str(error) for error in troubles]
        why = "; ".join(dict.fromkeys(word.rstrip(".") for word in words))
        if troubles and all(isinstance(error, DownloadError) for error in troubles):
            remedy = next((error.next_step for error in troubles if isinstance(error, NotTrusted)), None)
            what = f"{file.name} can't be downloaded: {why}."
            raise NotHad(what, is_gone=remedy is None, next_step=remedy, request_id=self._request_id)
        if troubles and all(isinstance(error, (DownloadError, NotAVideo, MediaError)) for error in troubles):
            raise NotAVideo(why)
        if troubles and not any(isinstance(error, TransientError) for error in troubles):
            raise NotThere(why)
        waits = [getattr(error, "retry_after", None) or 0.0 for error in troubles]
        raise TransientError(why or f"the provider named no address for {file.name.lower()}", max(waits, default=None))

    async def _from(self, file: Incoming, source: MediaSource) -> str:
        is_whole = await self._download(file, source)
        try:
            return await self._tools.call(self._tools.pools.downloads, file.checked)
        except MediaError as error:
            if is_whole:
                raise
            raise TransientError(error.what) from error

    async def _download(self, file: Incoming, source: MediaSource) -> bool:
        """Whether the download is certainly complete."""
        tools = self._tools
        transfer = Download(
            part=file.part,
            opener=tools.order.folder.opener,
            validator=file.validator,
            auth_headers=tools.order.client.auth_headers,
            reach=Reach.of(tools.order.client.endpoint, tools.order.settings.fake_ip_ranges),
            note_validator=file.keep_validator,
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

    # -- what there is to say ----------------------------------------------------------------------------------------

    def show(self, text: str) -> None:
        """Say how it stands."""
        self._tools.show(text, State.FINISHED, self._request_id)

    def _progressed(self, have: int, whole: int | None) -> None:
        """On a download thread."""
        if self._tools.engine.ended.is_set():
            raise Abandoned
        if time.monotonic() - self._said < SAY_EVERY_S and have != whole:
            return
        self._said = time.monotonic()
        of = f" of {whole / 1e6:.1f}" if whole else ""
        self._tools.engine.soon(lambda: self.show(f"downloading {have / 1e6:.1f}{of} MB"))

    def _warn(self, text: str) -> None:
        """On a download thread."""
        _log.warning("%s: %s", self._request_id, text)
        self._tools.engine.soon(lambda: self.show(text))
