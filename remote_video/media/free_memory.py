"""How much RAM this process may still take: what the machine has, and what its container allows."""

from __future__ import annotations

from pathlib import Path

import psutil

from ..operating_system import here

_CGROUP, _MEMBERSHIP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
_UNLIMITED = 1 << 60
"""cgroup v1 writes "no limit" as a number close to 2**63."""


def free_bytes(root: Path = _CGROUP, membership: Path = _MEMBERSHIP) -> int:
    """Bytes this process can take now without swapping or being killed."""
    rooms = (psutil.virtual_memory().available, cgroup_room(root, membership), here().address_room())
    return max(0, min(room for room in rooms if room is not None))


def cgroup_room(root: Path, membership: Path) -> int | None:
    """The least room in this process's control groups and their parents; None without a limit."""
    rooms = []
    for group, controllers in _cgroups(membership):
        base = root if controllers == "" else root / "memory"
        names = _V2 if controllers == "" else _V1
        for folder in (base / group, *(base / group).parents):
            room = _room_in(folder, names)
            if room is not None:
                rooms.append(room)
            if folder == base:
                break
    return min(rooms, default=None)


_V2 = ("memory.max", "memory.current", "inactive_file")
_V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def _cgroups(membership: Path) -> list[tuple[str, str]]:
    """(path, controllers) of the groups that may limit memory; no controllers means version 2."""
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    parts = [line.split(":", 2) for line in lines if line.count(":") >= 2]
    return [(path.lstrip("/"), names) for _, names, path in parts if names == "" or "memory" in names.split(",")]


def _room_in(folder: Path, names: tuple[str, str, str]) -> int | None:
    limit_name, usage_name, cache_name = names
    try:
        limit = (folder / limit_name).read_text(encoding="utf-8").strip()
        if limit == "max" or int(limit) >= _UNLIMITED:
            return None
        used = int((folder / usage_name).read_text(encoding="utf-8"))
        stat = dict(line.split() for line in (folder / "memory.stat").read_text(encoding="utf-8").splitlines())
    except (OSError, ValueError):
        return None
    return int(limit) - used + int(stat.get(cache_name, 0))
