"""From a finished job to a file on disk that is known to be the clip."""

from __future__ import annotations

import hashlib
import logging
import random
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import DownloadError, JobExpired, LedgerError, MediaError, RemoteVideoError
from ..loopback import is_loopback
from ..media.clip import Clip
from ..media.mp4_boxes import missing_bytes
from ..providers.status import JobState, JobStatus, MediaSource, Passing
from .context import RENEW_EVERY_S, RunContext
from .download import Abandoned, ClipTooLarge, Download, NotThere, disk_error
from .follow import GONE_ANSWERS, Follower
from .ledger import Ledger
from .lifecycle import Event
from .media_host import AddressRefused
from .output_file import Target
from .record import JobRecord
from .workers import DOWNLOADS, process_is_ending

MAX_TRIES = 8
"""In a row, without a byte gained."""
SAY_EVERY_S = 1.0

_log = logging.getLogger("remote_video")


class Fetcher:
    """Brings one clip home: fresh addresses, download, check, final name."""

    def __init__(self, run: RunContext, record: JobRecord, target: Target) -> None:
        self._run = run
        self._request_id = record.request_id or ""
        self._target = target
        self._record = record
        self._part = target.part(record.key)
        self._validator = record.part_validator
        self._said = 0.0
        self._renewed = time.monotonic()

    async def bring(self, known: JobStatus | None) -> JobRecord:
        """Download until the file is whole, then give it its name and write it down.

        Args:
            known: the status that told of the clip's addresses, when it is fresh.

        Raises:
            DownloadError: not this time; what came is kept and the job stays finished.
            JobExpired: the provider no longer knows the job.
            StopPressed.
        """
        await self._prepare_part()
        if await DOWNLOADS.run(lambda: self._target.published_before(self._part) is not None):
            return await self._keep()
        why, patience = "no attempt was made", self._run.patience
        tries_left = MAX_TRIES
        while tries_left:
            pause = min(patience.refetch_pause * 2.0 ** (MAX_TRIES - tries_left), patience.longest_refetch_pause)
            pause *= random.uniform(0.8, 1.2)  # noqa: S311 - jitter, no secret
            had = self._have()
            try:
                status = known or await self._addresses()
                known = None
                return await self._bring_from(status.sources)
            except DownloadError as error:
                raise DownloadError(error.what, next_step=error.next_step, request_id=self._request_id) from error
            except Passing as passing:
                why = str(passing)
                pause = max(pause, min(passing.retry_after or 0.0, patience.longest_retry_after))
            tries_left = MAX_TRIES if self._have() > had else tries_left - 1
            if not tries_left or time.monotonic() + pause > self._run.deadline:
                break
            self._run.say(f"downloading again ({why}) | {self._request_id}")
            await self._run.sleep(pause)
        raise DownloadError(
            f"The clip is finished at {self._run.provider.name} but could not be downloaded: {why}.",
            request_id=self._request_id,
        )

    async def _bring_from(self, sources: tuple[MediaSource, ...]) -> JobRecord:
        """Try each address, best first.

        Raises:
            DownloadError: every address is one that asking again won't make good.
            Passing: any other trouble, of all addresses.
        """
        troubles: list[Exception] = []
        for source in sources:
            try:
                await self._download(source)
                return await self._keep()
            except (Passing, NotThere, MediaError, AddressRefused, ClipTooLarge) as error:
                troubles.append(error)
        words = [error.what if isinstance(error, RemoteVideoError) else str(error) for error in troubles]
        why = "; ".join(dict.fromkeys(word.rstrip(".") for word in words))
        if troubles and all(isinstance(error, DownloadError) for error in troubles):
            raise DownloadError(f"The clip can't be downloaded: {why}.")
        waits = [getattr(error, "retry_after", None) or 0.0 for error in troubles]
        raise Passing(why or "the provider named no address for the clip", max(waits, default=None))

    def _have(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0

    async def _addresses(self) -> JobStatus:
        follower = Follower(self._run, self._request_id, None)
        status = await follower.ask()
        for _ in range(GONE_ANSWERS - 1):
            if status.state is not JobState.GONE:
                break
            await self._run.sleep(self._run.patience.gone_pause)
            status = await follower.ask()
        if status.state is JobState.GONE:
            what = f"{self._run.provider.name} no longer knows the job, and the clip was not saved before."
            await self._note_gone(what)
            raise JobExpired(what, request_id=self._request_id)
        if status.state is not JobState.SUCCEEDED:
            raise Passing(f"{self._run.provider.name} now calls the job {status.word!r}")
        return status

    async def _download(self, source: MediaSource) -> None:
        transfer = self._transfer()
        try:
            await self._run.call(lambda: transfer.fetch(source), DOWNLOADS)
        finally:
            transfer.abandon()

    def _transfer(self) -> Download:
        return Download(
            part=self._part,
            validator=self._validator,
            authorise=self._run.provider.authorise,
            allow_loopback=self._provider_is_on_loopback(),
            note_validator=self._note_validator,
            progressed=self._progressed,
            deadline=self._run.deadline,
            patience=self._run.patience,
            max_bytes=self._run.max_clip_bytes,
        )

    async def _keep(self) -> JobRecord:
        """Check that it is a clip, give it its final name, and write that down, with a cost that came late."""
        run = self._run
        record = await run.finish(self._check_and_publish, DOWNLOADS)
        if record.cost_usd is not None or not run.provider.tells_cost:
            return record
        try:
            cost = (await run.call(lambda: run.provider.status(self._request_id))).cost_usd
        except (Passing, RemoteVideoError) as error:
            _log.info("The cost of %s is not known yet: %s", self._request_id, error)
            return record
        await run.keep(lambda: run.ledger.note(run.key, cost_usd=cost))
        return replace(record, cost_usd=cost)

    def _check_and_publish(self) -> JobRecord:
        try:
            self._check()
            size, digest = self._part.stat().st_size, _sha256(self._part)
            final = self._target.publish(self._part)
        except OSError as error:
            raise disk_error(error, self._part.parent) from error
        facts: dict[str, Any] = {"path": str(final), "bytes": size, "sha256": digest, "error": None, "error_kind": None}
        self._run.ledger.record(self._run.key, Event.STORED, **facts)
        return drop_part(self._run.ledger, self._run.key)

    def _check(self) -> None:
        """Raises MediaError, and drops what came, when it is not a whole video."""
        try:
            Clip.open(self._part)
            if missing := missing_bytes(self._part):
                raise MediaError(f"{missing:,} bytes are missing from its end")
        except MediaError as error:
            self._part.unlink(missing_ok=True)
            raise MediaError(f"what came is not a whole video ({error.what.rstrip('.')})") from error

    async def _prepare_part(self) -> None:
        """Continue the partial file there is, unless it lies elsewhere: then it is dropped."""
        old = Path(self._record.part_path) if self._record.part_path else None
        if old == self._part:
            return

        def switch() -> None:
            if old is not None:
                old.unlink(missing_ok=True)
            self._run.ledger.note(self._run.key, part_path=str(self._part), part_validator=None)

        self._validator = None
        await self._run.keep(switch)

    async def _note_gone(self, what: str) -> None:
        run = self._run

        def note() -> None:
            self._part.unlink(missing_ok=True)
            run.ledger.record(run.key, Event.GONE, error=what, error_kind="JobExpired", part_path=None)

        await run.keep(note)

    def _note_validator(self, validator: str | None) -> None:
        self._validator = validator
        self._run.ledger.note(self._run.key, part_validator=validator)

    def _progressed(self, have: int, whole: int | None) -> None:
        if process_is_ending():
            raise Abandoned
        if time.monotonic() - self._said < SAY_EVERY_S and have != whole:
            return
        self._said = time.monotonic()
        if self._said - self._renewed > RENEW_EVERY_S:
            self._renewed = self._said
            self._run.ledger.renew(self._run.key, self._run.owner)
        of = f" of {whole / 1e6:.1f}" if whole else ""
        self._run.say(f"downloading {have / 1e6:.1f}{of} MB | {self._request_id}")

    def _provider_is_on_loopback(self) -> bool:
        provider = self._run.provider
        return provider.identity == "sandbox" or is_loopback(provider.identity)


def drop_part(ledger: Ledger, key: str) -> JobRecord:
    """Remove the partial file of a stored clip, which may be a second name of it, and forget where it was."""
    record = ledger.get(key)
    if record is None:
        raise LedgerError("The job was taken out of the record while its clip was being saved.")
    if record.part_path is None:
        return record
    try:
        Path(record.part_path).unlink(missing_ok=True)
    except OSError as error:
        _log.warning("The partial download %s can't be removed: %s", record.part_path, error)
    ledger.note(key, part_path=None, part_validator=None)
    return replace(record, part_path=None, part_validator=None)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(2**20):
            digest.update(piece)
    return digest.hexdigest()
