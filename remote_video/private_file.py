"""Small files that only their owner may read: checked before use, replaced in one step, private from the first byte."""

from __future__ import annotations

import logging
import os
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import BinaryIO

log = logging.getLogger("remote_video")

OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
OTHERS_MAY_USE = stat.S_IRWXG | stat.S_IRWXO
WINDOWS = os.name == "nt"
OWN_HOME = "Set REMOTE_VIDEO_HOME to a folder of its own, then run again."


class NotPrivate(Exception):
    """A file or its folder is not this user's alone; the text says which, why, and how to change it."""


def read_private(path: Path, max_bytes: int) -> bytes | None:
    """Read a private file; None when there is none.

    A file that others could only read is narrowed to its owner, with a warning: its content may be known by now.

    Raises:
        NotPrivate: others may write the folder or the file, it is a link, not a plain file, or somebody else's.
        OSError: it can't be read.
    """
    file = _opened(path)
    if file is None:
        return None
    with file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise NotPrivate(f"{path} is larger than {max_bytes} bytes: it was not written by this pack. Remove it.")
    return content


def write_private(path: Path, content: bytes) -> None:
    """Write a private file in one step: readers see the old content or the new one, never a part.

    Raises:
        NotPrivate: the folder can be written by others, or something that isn't this user's file has the name.
        OSError: it can't be written; the old content is untouched.
    """
    private_folder(path.parent)
    _check_replaceable(path)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # 0600 from its creation
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            if WINDOWS:
                _owner_only_acl(temporary)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """See that the names in a folder outlive a power cut, where that takes a step of its own. Raises OSError."""
    if WINDOWS:
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check_private(path: Path) -> None:
    """See that a file that is there is this user's alone, as `read_private` does. Raises NotPrivate, OSError."""
    if (file := _opened(path)) is not None:
        file.close()


def create_private(path: Path) -> None:
    """Make an empty file that only its owner may use, from its first moment. Raises FileExistsError, OSError."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    if WINDOWS:
        _owner_only_acl(path)


def why_unusable(folder: Path) -> tuple[str, str] | None:
    """Which folder can't be used, this one or one on the way to it, and whose it is; and what it needs.

    None when it can be.
    """
    there = next((path for path in (folder, *folder.parents) if _is_there(path)), folder)
    try:
        info = there.stat()
    except OSError as error:
        return f"The folder {there} can't be looked at: {error.strerror or error}.", OWN_HOME
    if os.access(there, os.R_OK | os.W_OK | os.X_OK):
        return None
    if WINDOWS:
        return f"This user may not read and write the folder {there}.", OWN_HOME
    mode = stat.S_IMODE(info.st_mode)
    if os.geteuid() in (0, info.st_uid) and mode & stat.S_IRWXU == stat.S_IRWXU:
        return None  # its rights will do: the disk itself is read-only
    whose = "this user" if info.st_uid == os.geteuid() else f"the user with id {info.st_uid}"
    what = f"The folder {there} belongs to {whose} and has mode {mode:03o}; ComfyUI runs as id {os.geteuid()}."
    needed = f"Make {there} its own with mode 700 (chown {os.geteuid()} '{there}'; chmod 700 '{there}')"
    return what, f"{needed}, or {OWN_HOME[0].lower()}{OWN_HOME[1:]}"


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def private_folder(folder: Path) -> None:
    """Make a folder that only its owner can enter (0700); an existing one has to be closed to others' writing.

    Raises:
        NotPrivate: others may write into it.
        OSError: it can't be made.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        _check_folder(folder)


_NONBLOCK = getattr(os, "O_NONBLOCK", 0)
"""Opening a pipe put in the file's place must not wait for a writer."""


def _opened(path: Path) -> BinaryIO | None:
    """The file, checked with its folder; None when there is none. Raises NotPrivate, OSError."""
    if path.is_symlink():
        raise NotPrivate(f"{path} is a link, which could lead to anybody's file. Replace it by the file itself.")
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | _NONBLOCK)
    except FileNotFoundError:
        return None
    try:
        _check_folder(path.parent)
        _check_file(path, handle)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def _check_folder(folder: Path) -> None:
    info = folder.stat()
    if not WINDOWS and info.st_mode & OTHERS_MAY_WRITE:
        raise NotPrivate(
            f"Other users of this machine may write into the folder {folder} (of the user with id {info.st_uid}, mode "
            f"{stat.S_IMODE(info.st_mode):03o}; it needs 700). "
            f"Close it with: chmod go-w '{folder}' - or set REMOTE_VIDEO_HOME to a folder of your own."
        )


def _check_file(path: Path, handle: int) -> None:
    info = os.fstat(handle)
    _check_kind_and_owner(path, info)
    if WINDOWS:
        return
    if info.st_mode & OTHERS_MAY_WRITE:
        raise NotPrivate(f"Other users of this machine may write {path}. Remove it, or: chmod 600 '{path}'.")
    if info.st_mode & OTHERS_MAY_USE:
        os.fchmod(handle, 0o600)
        log.warning("Remote Video: %s could be read by other users; now it is closed to them (mode 600).", path)


def _check_replaceable(path: Path) -> None:
    if path.is_symlink():
        raise NotPrivate(f"{path} is a link, which could lead to anybody's file. Remove it.")
    if path.exists():
        _check_kind_and_owner(path, path.stat())


def _check_kind_and_owner(path: Path, info: os.stat_result) -> None:
    if not stat.S_ISREG(info.st_mode):
        raise NotPrivate(f"{path} is not a plain file. Remove it.")
    if not WINDOWS and info.st_uid != os.geteuid():
        raise NotPrivate(
            f"{path} belongs to another user (id {info.st_uid}; ComfyUI runs as id {os.geteuid()}). "
            "Remove it, or give it to the user ComfyUI runs as."
        )


def _owner_only_acl(path: Path) -> None:
    """Leave only the current user in the file's access list (Windows); a warning when that can't be done."""
    user = "\\".join(part for part in (os.environ.get("USERDOMAIN"), os.environ.get("USERNAME")) if part)
    icacls = Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32" / "icacls.exe"
    command = [str(icacls), str(path), "/inheritance:r", "/grant:r", f"{user}:F"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=10, check=False)  # noqa: S603 - fixed program, no shell
        failure = "" if done.returncode == 0 else f"icacls ended with {done.returncode}"
    except (OSError, subprocess.SubprocessError) as error:
        failure = type(error).__name__
    if failure:
        log.warning("Remote Video: %s could not be closed to other users of this machine (%s).", path.parent, failure)
