"""Small files that only their owner may read: checked before use, replaced in one step, private from the first byte."""

from __future__ import annotations

import logging
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal, TypeVar

from .operating_system import READ_NOW, here, sync

log = logging.getLogger("remote_video")

E = TypeVar("E", bound=Exception)
OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
OTHERS_MAY_USE = stat.S_IRWXG | stat.S_IRWXO
OWN_HOME = "Set REMOTE_VIDEO_HOME to a folder of its own, then run again."


class NotPrivate(Exception):
    """A file or its folder is not this user's alone; the text says which, why, and how to change it."""


TROUBLES = (NotPrivate, OSError)
"""All that comes of reading or writing a private file."""
_NEXT_STEPS = {
    "read": "Change what is named above, then run again.",
    "written": "Change what is named above, then save again.",
}


def file_error(
    error: Callable[..., E], problem: Exception, says: str, path: Path, done: Literal["read", "written"] = "read"
) -> E:
    """One of `TROUBLES` as an error for the user.

    Args:
        error: makes it, of what happened and `next_step`: what to do, or None for the usual.
        says: the sentence, with places for the path, what can't be done, why, and what stands in the way.
    """
    if not isinstance(problem, OSError):
        return error(str(problem), next_step=_NEXT_STEPS[done])
    why, next_step = why_unusable(path.parent) or ("", None)
    return error(says.format(path, done, problem.strerror, why).rstrip(), next_step=next_step)


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
            here().close_to_others(temporary)
            file.write(content)
            sync(file)
        here().put_over(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def check_private(path: Path) -> None:
    """See that a file that is there is this user's alone, as `read_private` does. Raises NotPrivate, OSError."""
    if (file := _opened(path)) is not None:
        file.close()


def create_private(path: Path) -> None:
    """Make an empty file that only its owner may use, from its first moment. Raises FileExistsError, OSError."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    here().close_to_others(path)


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
    mode, user = here().rights(info), here().user_id()
    if user is None:
        return f"This user may not read and write the folder {there}.", OWN_HOME
    if user in (0, info.st_uid) and mode & stat.S_IRWXU == stat.S_IRWXU:
        return None  # its rights will do: the disk itself is read-only
    whose = "this user" if info.st_uid == user else f"the user with id {info.st_uid}"
    what = f"The folder {there} belongs to {whose} and has mode {mode:03o}; ComfyUI runs as id {user}."
    needed = f"Make {there} its own with mode 700 (chown {user} '{there}'; chmod 700 '{there}')"
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


def _opened(path: Path) -> BinaryIO | None:
    """The file, checked with its folder; None when there is none. Raises NotPrivate, OSError."""
    if path.is_symlink():
        raise NotPrivate(f"{path} is a link, which could lead to anybody's file. Replace it by the file itself.")
    try:
        handle = os.open(path, READ_NOW)
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
    if here().rights(info) & OTHERS_MAY_WRITE:
        raise NotPrivate(
            f"Other users of this machine may write into the folder {folder} (of the user with id {info.st_uid}, mode "
            f"{here().rights(info):03o}; it needs 700). "
            f"Close it with: chmod go-w '{folder}' - or set REMOTE_VIDEO_HOME to a folder of your own."
        )


def _check_file(path: Path, handle: int) -> None:
    info = os.fstat(handle)
    _check_kind_and_owner(path, info)
    if here().rights(info) & OTHERS_MAY_WRITE:
        raise NotPrivate(f"Other users of this machine may write {path}. Remove it, or: chmod 600 '{path}'.")
    if here().rights(info) & OTHERS_MAY_USE:
        here().narrow(handle)
        log.warning("Remote Video: %s could be read by other users; now it is closed to them (mode 600).", path)


def _check_replaceable(path: Path) -> None:
    if path.is_symlink():
        raise NotPrivate(f"{path} is a link, which could lead to anybody's file. Remove it.")
    if path.exists():
        _check_kind_and_owner(path, path.stat())


def _check_kind_and_owner(path: Path, info: os.stat_result) -> None:
    if not stat.S_ISREG(info.st_mode):
        raise NotPrivate(f"{path} is not a plain file. Remove it.")
    if (user := here().user_id()) not in (None, info.st_uid):
        raise NotPrivate(
            f"{path} belongs to another user (id {info.st_uid}; ComfyUI runs as id {user}). "
            "Remove it, or give it to the user ComfyUI runs as."
        )
