"""What differs from one operating system to the next: a class for each, and `here` is the one this process runs on.

Nothing else in the pack asks which one it is.
"""

from __future__ import annotations

import errno
import logging
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from typing import BinaryIO, TypeVar

P = TypeVar("P", bound=PurePath)
NO_LINK = getattr(os, "O_NOFOLLOW", 0)
"""For `os.open`: never what a link in the file's place leads to."""
READ_NOW = os.O_RDONLY | NO_LINK | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
"""For `os.open`: a file's bytes as they are. Opening a pipe that was put in its place must not wait for a writer."""
_NAMES_BELOW_A_FOLDER = {os.open, os.link, os.rename} <= os.supports_dir_fd
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FULL_ON_WINDOWS = frozenset({39, 112, 1295})
"""ERROR_HANDLE_DISK_FULL, ERROR_DISK_FULL, ERROR_DISK_QUOTA_EXCEEDED; Python has an errno for the second alone.
https://learn.microsoft.com/windows/win32/debug/system-error-codes
"""
_TOO_LONG_ON_WINDOWS = frozenset({3, 206})
"""ERROR_PATH_NOT_FOUND, which it says of 260 characters and more where long paths are not turned on, and
ERROR_FILENAME_EXCED_RANGE. https://learn.microsoft.com/windows/win32/fileio/maximum-file-path-limitation
"""
_NO_LIMIT = 1 << 60
_log = logging.getLogger("remote_video")


class System:
    """What macOS, Linux and their like do; what one of all does its own way is in a class of its own."""

    moves_open_files = True
    """Whether a file gets another name while somebody has it open."""

    def user_id(self) -> int | None:
        """Of the user this process runs as; None where files have no owner's number."""
        return os.geteuid()

    def rights(self, info: os.stat_result) -> int:
        """The bits of a mode that say what its owner and others may; of its owner's alone where they mean nothing."""
        return stat.S_IMODE(info.st_mode)

    def close_to_others(self, path: Path) -> None:
        """Leave a new file to its owner, where the mode it was made with didn't."""

    def narrow(self, handle: int) -> None:
        """Leave an open file to its owner. Raises OSError."""
        os.fchmod(handle, 0o600)

    def sync_names(self, folder: Path) -> None:
        """See that the names in a folder outlive a power cut, where that takes a step of its own. Raises OSError."""
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def holds_folders(self) -> bool:
        """Whether files are opened and named relative to a folder that is held open, whatever gets into its place."""
        return _NAMES_BELOW_A_FOLDER

    def hold(self, folder: PurePath | str, links: bool, below: int | None = None) -> int:
        """Open a folder. Raises OSError.

        Args:
            links: whether it may be one.
            below: the folder that it is named in.
        """
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | (0 if links else NO_LINK), dir_fd=below)

    def name_anew(self, part: Path, final: Path, folder: int | None) -> None:
        """Give a file a name that nobody has. Raises FileExistsError; OSError: there is no such step on its disk.

        Args:
            folder: `hold` of the one that both are in.
        """
        if folder is None:
            final.hardlink_to(part)
        else:
            os.link(part.name, final.name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)

    def put_over(self, new: Path, path: Path, folder: int | None = None) -> None:
        """Put a file into another one's place, in one step. Raises OSError.

        Args:
            folder: `hold` of the one that both are in.
        """
        if folder is None:
            new.replace(path)
        else:
            os.replace(new.name, path.name, src_dir_fd=folder, dst_dir_fd=folder)

    def data_folder(self, environ: Mapping[str, str], home: P) -> P:
        """Where programs keep what is their user's. https://specifications.freedesktop.org/basedir-spec/latest/"""
        given = environ.get("XDG_DATA_HOME", "")
        return home / (given if given.startswith("/") else ".local/share")

    def cores(self) -> int:
        """Those that this process may use."""
        return os.cpu_count() or 1

    def address_room(self) -> int | None:
        """Bytes of memory that are left to this process by a limit of its own; None without one."""
        return None

    def at_fork(self, **then: Callable[[], None]) -> None:
        """See `os.register_at_fork`."""
        os.register_at_fork(**then)


class MacOS(System):
    """What is its own."""

    def data_folder(self, environ: Mapping[str, str], home: P) -> P:
        return home / "Library" / "Application Support"


class Linux(System):
    """What is its own."""

    def cores(self) -> int:
        return len(os.sched_getaffinity(0))

    def address_room(self) -> int | None:
        """What `ulimit -v` leaves."""
        import psutil  # here: every command loads this module

        process = psutil.Process()
        soft, _ = process.rlimit(psutil.RLIMIT_AS)
        return None if soft < 0 or soft >= _NO_LIMIT else soft - process.memory_info().vms


class Windows(System):
    """What is its own."""

    moves_open_files = False
    tries, pause_s = 40, 0.05

    def user_id(self) -> int | None:
        return None

    def rights(self, info: os.stat_result) -> int:
        return 0o700

    def close_to_others(self, path: Path) -> None:
        """Leave only the current user in the file's access list; a warning when that can't be done."""
        user = "\\".join(part for part in (os.environ.get("USERDOMAIN"), os.environ.get("USERNAME")) if part)
        icacls = Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32" / "icacls.exe"
        command = [str(icacls), str(path), "/inheritance:r", "/grant:r", f"{user}:F"]
        try:
            done = subprocess.run(command, capture_output=True, timeout=10, check=False)  # noqa: S603 - no shell
            why = "" if done.returncode == 0 else f"icacls ended with {done.returncode}"
        except (OSError, subprocess.SubprocessError) as error:
            why = type(error).__name__
        if why:
            _log.warning("Remote Video: %s could not be closed to other users of this machine (%s).", path.parent, why)

    def sync_names(self, folder: Path) -> None:
        """A folder is no file there."""

    def holds_folders(self) -> bool:
        return False

    def name_anew(self, part: Path, final: Path, folder: int | None) -> None:
        part.rename(final)

    def put_over(self, new: Path, path: Path, folder: int | None = None) -> None:
        """It is refused for as long as somebody reads either of them, as a virus scanner does: so for a while."""
        for _ in range(self.tries - 1):
            try:
                new.replace(path)
                return
            except PermissionError:
                time.sleep(self.pause_s)
        new.replace(path)

    def data_folder(self, environ: Mapping[str, str], home: P) -> P:
        return home / (environ.get("LOCALAPPDATA") or "AppData/Local")

    def at_fork(self, **then: Callable[[], None]) -> None:
        """Nothing forks there."""


def system_of(name: str) -> System:
    """The one that Python calls so (`sys.platform`)."""
    return {"win32": Windows, "darwin": MacOS, "linux": Linux}.get(name, System)()


_here = system_of(sys.platform)


def here() -> System:
    """The one this process runs on."""
    return _here


def signals(*names: str) -> list[signal.Signals]:
    """Those of them that there are here."""
    return [signal.Signals[name] for name in names if name in signal.Signals.__members__]


def sync(file: BinaryIO) -> None:
    """See that what was written into a file outlives a power cut. Raises OSError."""
    file.flush()
    os.fsync(file.fileno())


def words_of(code: int, known: Mapping[int, str] = getattr(socket, "errorTab", {})) -> str:
    """What an error of a connection means. Windows' have numbers that only Python's `socket` has words for."""
    return known.get(code) or os.strerror(code)


def is_full(error: OSError) -> bool:
    """Whether it says that there is no room: on the disk, in the user's share of it, or in a file of that disk."""
    return error.errno in _FULL or getattr(error, "winerror", None) in _FULL_ON_WINDOWS


def is_too_long(error: OSError) -> bool:
    """Whether a path is longer than this system takes one, when its folder is there."""
    return error.errno == errno.ENAMETOOLONG or getattr(error, "winerror", None) in _TOO_LONG_ON_WINDOWS
