"""Who is working on a job right now, and whether that one still lives.

An owner is a name in the ledger: machine, process, the process's start time, and one run in it. On the same machine
life is known for certain; of another machine only its lease tells.
"""

from __future__ import annotations

import os
import platform
import threading
import uuid

import psutil

_START_TOLERANCE_S = 2.0
_live_runs: set[str] = set()
_live_runs_lock = threading.Lock()


def new_owner() -> str:
    """A name for one run in this process; it lives until `retire`."""
    run = uuid.uuid4().hex
    with _live_runs_lock:
        _live_runs.add(run)
    return "|".join((platform.node(), str(os.getpid()), f"{_started(os.getpid()):.3f}", run))


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
    machine, pid, started, run = owner.rsplit("|", 3)
    if machine != platform.node():
        return now < lease_until
    if int(pid) == os.getpid() and abs(float(started) - _started(os.getpid())) < _START_TOLERANCE_S:
        with _live_runs_lock:
            return run in _live_runs
    try:
        return abs(_started(int(pid)) - float(started)) < _START_TOLERANCE_S
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return now < lease_until


def _started(pid: int) -> float:
    process = psutil.Process(pid)
    if process.status() == psutil.STATUS_ZOMBIE:
        raise psutil.NoSuchProcess(pid)
    return float(process.create_time())
