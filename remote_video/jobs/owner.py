"""Who is working on a job right now, and whether that one still lives.

An owner is a name in the ledger: machine, process, the process's birth, and one run in it. On the same machine
life is known for certain; of another machine only its lease tells.
"""

from __future__ import annotations

import os
import platform
import sys
import threading
import uuid
from pathlib import Path

import psutil

_live_runs: set[str] = set()
_live_runs_lock = threading.Lock()


def new_owner() -> str:
    """A name for one run in this process; it lives until `retire`."""
    run = uuid.uuid4().hex
    with _live_runs_lock:
        _live_runs.add(run)
    return "|".join((platform.node(), str(os.getpid()), _birth(os.getpid()), run))


def retire(owner: str) -> None:
    """This run is over."""
    with _live_runs_lock:
        _live_runs.discard(owner.rpartition("|")[2])


def is_alive(owner: str, lease_until: float, now: float) -> bool:
    """Whether the run of that name can still be at work.

    Args:
        owner: as `new_owner` gave it.
        lease_until: how long it promised to be heard of, s since the epoch; only for owners on other machines.
        now: s since the epoch.
    """
    machine, pid, birth, run = owner.rsplit("|", 3)
    if machine != platform.node():
        return now < lease_until
    try:
        if _birth(int(pid)) != birth:
            return False
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
        return False
    except (psutil.AccessDenied, PermissionError):
        return now < lease_until
    if int(pid) != os.getpid():
        return True
    with _live_runs_lock:
        return run in _live_runs


def _birth(pid: int) -> str:
    """What tells a process from a later one with the same number, and stays the same when the clock is set.

    Raises:
        psutil.Error, OSError: there is no such process any more, or it can't be looked at.
    """
    if sys.platform == "linux":
        return _birth_on_linux(pid)
    process = psutil.Process(pid)
    if process.status() == psutil.STATUS_ZOMBIE:
        raise psutil.NoSuchProcess(pid)
    return f"{process.create_time():.3f}"


def _birth_on_linux(pid: int) -> str:
    """Ticks since boot, and which boot: psutil's creation time moves with the clock (man 5 proc_pid_stat)."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    state, *fields = stat.rpartition(")")[2].split()
    if state in "ZX":
        raise ProcessLookupError(pid)
    return f"{_boot()}.{fields[18]}"


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
