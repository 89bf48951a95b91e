"""What a ledger has not been told yet of submissions: small files in the home folder, which outlive the process.

The id of a job that was accepted is written here before the ledger is tried, which may be far away, slow or locked;
what else came of a submission, when the ledger refuses it. Whoever shares the home tells the ledger later. To tell it
twice, or by two processes at once, changes nothing: an entry says which attempt at which job it is about.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import re
import threading
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

from sqlalchemy.engine import make_url

from ..errors import LedgerError
from ..operating_system import here
from ..private_file import NotPrivate, read_private, write_private
from .leases import Lease, LeaseLost
from .ledger import Ledger
from .lifecycle import TRANSITIONS, Event
from .record import NewJob

FOLDER = "journal"
VERSION = 1
MAX_BYTES = 64 * 2**20
"""Of an entry: a job's sidecar is in it, a workflow."""
KEPT_EVENTS = (Event.ACCEPTED, Event.LOST, Event.TURNED_DOWN)
NAME = re.compile(r"([0-9a-f]{64})-\d+\.json")
FAULTS = (ValueError, TypeError, KeyError, AttributeError, RecursionError, NotPrivate)
"""What a file that is half, or not of this pack's making, may raise."""

_log = logging.getLogger("remote_video")


@dataclass(frozen=True)
class Entry:
    """What came of one attempt at a job.

    Args:
        key: the job's.
        fence: of the lease it was submitted under: a name for the attempt where there are several.
        event: one of `KEPT_EVENTS`.
        at: when that was, s since the epoch.
        begun_at: when the attempt was begun, as its row says.
        job: what is known of the job.
        attempt: its number, as its row says; None when that isn't known.
        request_id: the provider's, of an accepted job.
        error: what went wrong, of another one.
        error_kind: the class of that in `errors`.
    """

    key: str
    fence: int
    event: Event
    at: float
    begun_at: float
    job: NewJob
    attempt: int | None = None
    request_id: str | None = None
    error: str | None = None
    error_kind: str | None = None

    def __post_init__(self) -> None:
        """Raises TypeError, ValueError: it holds what an entry can't."""
        for checked in (self, self.job):
            for name, hint in get_type_hints(type(checked)).items():
                if not isinstance(getattr(checked, name), get_args(hint) or hint):
                    raise TypeError(name)
        if self.event not in KEPT_EVENTS or (self.event is Event.ACCEPTED and not self.request_id):
            raise ValueError(self.event)


class Journal:
    """What one ledger has not been told yet. May be used from any thread; blocks.

    Args:
        home: the pack's own folder.
        ledger_url: where the ledger is; None: in the home.
    """

    def __init__(self, home: Path, ledger_url: str | None = None) -> None:
        self.folder = home / FOLDER
        self._ledger = _name(ledger_url)

    def keep(self, entry: Entry) -> bool:
        """Keep it over the end of the process; False, with a warning, when it is only kept in memory."""
        path = self._path(entry)
        told = {"version": VERSION, "ledger": self._ledger, **asdict(entry)}
        try:
            write_private(path, json.dumps(told).encode())
            here().sync_names(self.folder)
            here().sync_names(self.folder.parent)
        except (NotPrivate, OSError) as trouble:
            with _lock:
                _in_memory[path] = (self._ledger, entry)
            _log.warning("What came of a submission is in memory alone, %s takes no file: %s", path.parent, trouble)
            return False
        with _lock:
            _in_memory.pop(path, None)
        return True

    def drop(self, entry: Entry) -> None:
        """The ledger knows it by now."""
        path = self._path(entry)
        with _lock:
            _in_memory.pop(path, None)
        try:
            path.unlink(missing_ok=True)
        except OSError as trouble:
            _log.debug("An entry that is told stays in the journal: %s", trouble)

    def entries(self, key: str = "") -> list[Entry]:
        """Those that are here of this ledger, or of one job of it, in the order in which they came to be."""
        found = {path: entry for path in self._files(key) if (entry := self._read(path)) is not None}
        with _lock:
            here = {path: entry for path, (ledger, entry) in _in_memory.items() if ledger == self._ledger}
        found.update((path, entry) for path, entry in here.items() if self._is_ours(path, key))
        return sorted(found.values(), key=lambda entry: entry.at)

    def replay(self, ledger: Ledger, but_not: frozenset[str] = frozenset()) -> None:
        """Write all jobs that nobody works on to the ledger; does nothing if there are none.

        Args:
            but_not: job keys that are left alone.

        Raises:
            LedgerError: it still can't be told.
        """
        entries = [entry for entry in self.entries() if entry.key not in but_not]
        if not entries:
            return
        worker = uuid.uuid4().hex  # a lease of the engine's own would take the job from under its own run
        try:
            for entry in entries:
                if (lease := ledger.acquire(entry.key, worker)) is not None:
                    with contextlib.suppress(LeaseLost):
                        self.tell(entry, ledger, lease)
                    ledger.release(lease)
        finally:
            with contextlib.suppress(LedgerError):
                ledger.retire(worker)

    def tell(self, entry: Entry, ledger: Ledger, lease: Lease) -> None:
        """Tell the ledger, unless it knows or the job has gone on since. Raises LedgerError, LeaseLost."""
        job = ledger.get(entry.key)
        is_it = job is not None and job.created_at == entry.begun_at
        if entry.event is Event.ACCEPTED:
            went_on = job is not None and not is_it and job.attempt > (entry.attempt or 0)
            if not went_on:
                ledger.accepted(entry.key, entry.job, entry.request_id or "", at=entry.at)
        elif job is not None and is_it and entry.event in TRANSITIONS[job.state]:
            facts = {"error": entry.error, "error_kind": entry.error_kind, "finished_at": entry.at}
            ledger.record(lease, entry.event, **facts)
        self.drop(entry)

    # -- files ---------------------------------------------------------------------------------------------------------

    def _path(self, entry: Entry) -> Path:
        return self.folder / f"{entry.key}-{entry.fence}.json"

    def _is_ours(self, path: Path, key: str) -> bool:
        return path.parent == self.folder and path.name.startswith(key)

    def _files(self, key: str) -> Iterator[Path]:
        try:
            yield from [path for path in self.folder.glob(f"{key}*.json") if NAME.fullmatch(path.name)]
        except OSError as trouble:
            if _is_news(self.folder):
                _log.warning("The journal %s can't be read: %s", self.folder, trouble)

    def _read(self, path: Path) -> Entry | None:
        """What a file says; None for one that is gone, of another ledger, or makes no sense, which is set aside."""
        try:
            content = read_private(path, MAX_BYTES)
            if content is None:
                return None
            told: dict[str, Any] = json.loads(content)
            version, ledger = told.pop("version"), told.pop("ledger")
            if isinstance(version, int) and version > VERSION:
                if _is_news(path):
                    _log.warning("%s was written by a newer version of Remote Video, which will read it.", path)
                return None
            if ledger != self._ledger:
                if _is_news(path):
                    _log.warning("%s is about a job in another ledger than the one that is set; it is kept.", path)
                return None
            job = NewJob(**{name: told["job"][name] for name in _NEW_JOB if name in told["job"]})
            entry = Entry(**{**told, "event": Event(told["event"]), "job": job})
            if self._path(entry) != path:
                raise ValueError("it is not what its name says")
        except OSError as trouble:
            if _is_news(path):
                _log.warning("%s, a note about a paid job, can't be read: %s", path, trouble)
            return None
        except FAULTS as fault:
            self._set_aside(path, fault)
            return None
        return entry

    def _set_aside(self, path: Path, fault: Exception) -> None:
        aside = path.with_name(f"{path.name}.broken")
        with contextlib.suppress(OSError):
            here().put_over(path, aside)
        why = str(fault) if isinstance(fault, NotPrivate) else "it is not whole, or not of this pack's making"
        if _is_news(path):
            _log.warning(
                "%s should say what became of a paid job and can't be used (%s). It is kept as %s. Look at the "
                "provider's dashboard before you run old jobs again.",
                path,
                why,
                aside.name,
            )


_NEW_JOB = tuple(field.name for field in fields(NewJob))
_in_memory: dict[Path, tuple[str, Entry]] = {}
"""What the disk refused, of all ledgers, by the file it would be in."""
_warned: set[Path] = set()
_lock = threading.Lock()


def _name(ledger_url: str | None) -> str:
    """What tells ledgers apart: not who asks them or how, which changes, and no password."""
    if ledger_url is None:
        return "file"
    url = make_url(ledger_url)
    place = (url.host, url.port, url.database, url.query.get("host"), url.query.get("port"))
    return hashlib.sha256(repr(place).encode()).hexdigest()[:32]


def _is_news(path: Path) -> bool:
    """Whether there was no trouble with it yet: it is looked at again and again."""
    with _lock:
        is_new = path not in _warned
        _warned.add(path)
    return is_new
