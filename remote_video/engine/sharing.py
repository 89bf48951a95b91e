"""The clip store at work: what is saved here is put there in the background, and what is not here is had from there.

Neither is ever a fault of a job. Trouble is said once and waited out; what could not be put is made up for later, by
the next process too.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..backoff import backoff
from ..clips.digest import is_as_large
from ..clips.download import Abandoned, disk_error
from ..clips.output_folder import OutputFolder
from ..clips.shared_store import NotInStore, NotTheFile, SharedStore, StoreTrouble, WrongObject, open_store
from ..errors import RemoteVideoError
from ..ledger.ledger import Ledger
from ..ledger.paging import Place
from ..ledger.record import JobRecord
from ..operating_system import sync
from ..settings import Settings
from .threads import DaemonThreads

if TYPE_CHECKING:
    from .engine import Engine

T = TypeVar("T")

_log = logging.getLogger("remote_video")


@dataclass(frozen=True)
class KeptFile:
    """A file as the store knows it."""

    digest: str
    size: int


@dataclass
class Sharing:
    """An engine's dealings with the clip store. Its methods belong to the engine's thread, unless they say otherwise.

    Args:
        engine: whose threads and settings it uses.
    """

    engine: Engine
    trouble: str = ""
    """What was last said of the store; nothing once it works again."""
    _stores: dict[str, SharedStore] = field(default_factory=dict)
    _opening: threading.Lock = field(default_factory=threading.Lock)
    _wrong: set[str] = field(default_factory=set)
    """Hashes under which the store was seen to have something else."""
    _fresh: list[JobRecord] = field(default_factory=list)
    """Saved by this engine, and not in the store yet."""
    _call: asyncio.Event = field(default_factory=asyncio.Event)
    _failures: int = 0
    _rests_until: float = 0.0
    """After a failure the store is not tried before then."""

    def saved(self, record: JobRecord) -> None:
        """The engine's: a clip is here."""
        if record.shared_in is None and record.sha256 and self.engine.settings().clips_url:
            self._fresh.append(record)
            self._call.set()

    # -- what is here goes there -------------------------------------------------------------------------------------

    async def share(self) -> None:
        """Put what is saved here into the store, again and again."""
        looked_at: float | None = None
        while True:
            settings = self.engine.settings()
            pause = settings.timeouts.store_pass
            if settings.clips_url:
                try:
                    if looked_at is None or time.monotonic() - looked_at >= pause:
                        await self._share_all(settings)
                        looked_at = time.monotonic()
                    while self._fresh:
                        await self._on_a_thread(partial(self._share, settings, self._fresh[0]))
                        self._fresh.pop(0)
                    pause -= time.monotonic() - looked_at
                except (StoreTrouble, RemoteVideoError) as error:
                    looked_at, pause = None, self._failed(error, settings)
                    self._fresh.clear()  # they are among all
                    await asyncio.sleep(pause)
                    continue
            self._call.clear()
            with suppress(asyncio.TimeoutError, TimeoutError):
                await asyncio.wait_for(self._call.wait(), max(pause, 0.0))

    async def _share_all(self, settings: Settings) -> None:
        if not Ledger.is_there(settings):
            return
        for host in (settings.host, None) if settings.ledger_url is not None else (None,):
            after: Place | None = None
            while page := await self._on_a_thread(partial(_page, settings, host, after)):
                for record in page:
                    await self._on_a_thread(partial(self._share, settings, record))
                after = page[-1].created_at, page[-1].key
        self._works()

    def _failed(self, error: StoreTrouble | RemoteVideoError, settings: Settings) -> float:
        """Say it, once; the pause before the next try, s."""
        self.say(error)
        pause = backoff(self._failures, settings.timeouts.store_pause, settings.timeouts.store_pass)
        self._failures += 1
        return pause

    def say(self, error: StoreTrouble | RemoteVideoError) -> None:
        """Say trouble with the store once, until it works again."""
        what = error.what if isinstance(error, RemoteVideoError) else str(error)
        if what != self.trouble:
            _log.warning("The clip store can't be used now, clips stay where they are: %s", what)
        self.trouble = what

    def _works(self) -> None:
        if self.trouble:
            _log.info("The clip store works again.")
        self.trouble, self._failures = "", 0

    async def _on_a_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.wrap_future(self.engine.pools.sharing.start(call))

    def _share(self, settings: Settings, record: JobRecord) -> None:
        """On a sharing thread: put all files of a job, and write that down when all are there."""
        store = self.opened(settings)
        files = self._files(settings, record)
        if files is None:
            return
        for kept, path in files:
            if self.engine.ended.is_set():
                return
            try:
                store.put(kept.digest, kept.size, path, replace=kept.digest in self._wrong)
            except NotTheFile as error:
                _log.info("%s is not put into the clip store: %s", path.name, error)
                return
            self._wrong.discard(kept.digest)
        if not any(other.is_due for other in record.other_files):
            Ledger.of(settings).shared(record, store.shown)

    def _files(self, settings: Settings, record: JobRecord) -> list[tuple[KeptFile, Path]] | None:
        """What was saved of a job, where it is here; None when it is not all here."""
        roots = [self.engine.host.output_folder(), Path(record.output_folder) if record.output_folder else None]
        folders = [OutputFolder(root.resolve(), settings.follow_links) for root in roots if root is not None]
        files = []
        for path, size, digest in saved_files(record):
            here = next((file for folder in folders for file in folder.files(path) if is_as_large(file, size)), None)
            if here is None or digest is None or size is None:
                return None
            files.append((KeptFile(digest, size), here))
        return files

    def opened(self, settings: Settings) -> SharedStore:
        """From a thread that may block: the store. Raises SettingsError: none can be."""
        url = settings.clips_url or ""
        with self._opening:
            if url not in self._stores:
                self._stores[url] = open_store(url, settings.timeouts)
            return self._stores[url]

    # -- what is there comes here ------------------------------------------------------------------------------------

    async def has(self, settings: Settings, file: KeptFile) -> bool:
        """Whether the store can be expected to have a file; trouble is said, and means that it can't."""
        if not settings.clips_url or time.monotonic() < self._rests_until:
            return False
        pool = self.engine.pools.store
        asked = pool.start(lambda: self.opened(settings).is_there(file.digest))
        try:
            found = await asyncio.wait_for(asyncio.wrap_future(asked), settings.timeouts.store_answer)
            self._works()
            return found
        except (asyncio.TimeoutError, TimeoutError):
            pool.leave(asked)
            self.say(StoreTrouble("it does not answer"))
        except (StoreTrouble, RemoteVideoError) as error:
            self.say(error)
        self._rests_until = time.monotonic() + settings.timeouts.store_pause
        return False

    async def fetch(self, settings: Settings, file: KeptFile, part: Path, folder: OutputFolder, job: JobRecord) -> bool:
        """Bring a file into `part`, whole and proven; whether that could be done.

        Raises:
            DownloadError: the disk takes nothing.
        """
        if not await self.has(settings, file):
            return False
        coming = Coming(self, settings, file, part, folder)
        try:
            await coming.within(settings.timeouts.store_request, self.engine.pools.store)
            return True
        except NotInStore:
            pass
        except WrongObject as error:
            await self._is_wrong(settings, file, job, error)
        except (StoreTrouble, RemoteVideoError) as error:
            if coming.disk_failed:
                raise
            self.say(error)
        with suppress(OSError):
            part.unlink(missing_ok=True)
        return False

    async def _is_wrong(self, settings: Settings, file: KeptFile, job: JobRecord, error: WrongObject) -> None:
        """Let a machine that has the right bytes upload them again."""
        _log.warning("The clip store has something else than %s of job %s: %s.", file.digest, job.key[:8], error)
        self._wrong.add(file.digest)

        def forget() -> None:
            with suppress(StoreTrouble):
                self.opened(settings).drop(file.digest)
            Ledger.of(settings).shared(job, None)

        with suppress(RemoteVideoError):
            await self._on_a_thread(forget)


@dataclass
class Coming:
    """One file on its way from the store; it may be left, and then touches nothing any more."""

    sharing: Sharing
    settings: Settings
    file: KeptFile
    part: Path
    folder: OutputFolder
    disk_failed: bool = False
    _is_left: bool = False
    _moved_at: float = field(default_factory=time.monotonic)

    async def within(self, silence_s: float, pool: DaemonThreads) -> None:
        """Wait for it, as long as something comes. Raises what `SharedStore.fetch` does, and DownloadError."""
        work = pool.start(self._fetch)
        waited_for = asyncio.wrap_future(work)
        try:
            while (left := self._moved_at + 2 * silence_s - time.monotonic()) > 0:
                done, _ = await asyncio.wait({waited_for}, timeout=left)
                if done:
                    waited_for.result()
                    return
            pool.leave(work)
            raise StoreTrouble("it stopped in the middle of a clip")
        finally:
            self._is_left = not work.done()
            waited_for.cancel()

    def _fetch(self) -> None:
        store = self.sharing.opened(self.settings)
        try:
            self.part.unlink(missing_ok=True)
            with open(self.part, "xb", opener=self.folder.opener) as into:
                store.fetch(self.file.digest, self.file.size, into, self._progressed)
                sync(into)
        except OSError as error:
            self.disk_failed = True
            raise disk_error(error, self.part.parent) from error

    def _progressed(self, have: int) -> None:
        if self._is_left or self.sharing.engine.ended.is_set():
            raise Abandoned
        self._moved_at = time.monotonic()


def _page(settings: Settings, host: str | None, after: Place | None) -> list[JobRecord]:
    """A ledger of its own holds this machine's clips alone, under every name that the machine had."""
    is_alone = settings.ledger_url is None
    return Ledger.of(settings).to_share(host, after, is_any=is_alone)


def saved_files(record: JobRecord) -> Iterator[tuple[str | None, int | None, str | None]]:
    """Path, bytes and hash of each file that was saved."""
    yield record.path, record.bytes, record.sha256
    for other in record.other_files:
        if other.path:
            yield other.path, other.bytes, other.sha256
