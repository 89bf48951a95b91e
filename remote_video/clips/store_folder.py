"""A folder that several machines see, such as one on a NAS, as a store of clips."""

from __future__ import annotations

import contextlib
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISREG

from ..operating_system import here, sync
from .shared_store import NotInStore, StoreTrouble

PIECE_BYTES = 4 * 2**20
OLD_S = 24 * 3600.0
"""A partial file of this age is abandoned."""


class FolderObjects:
    """Files below a folder.

    Args:
        root: it has to be there: a share that is not mounted must not be filled on the disk beneath it.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def size(self, name: str) -> int | None:
        """Of a file, bytes. Raises StoreTrouble."""
        self._look()
        try:
            found = (self._root / name).lstat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._trouble("can't be read", error) from error
        return found.st_size if S_ISREG(found.st_mode) else None

    def put(self, name: str, file: Path) -> None:
        """Keep a file's bytes: on the disk for good before they get their name. Raises StoreTrouble."""
        final = self._root / name
        part = final.with_name(f".{uuid.uuid4().hex}.part")
        self._look()
        try:
            final.parent.mkdir(exist_ok=True)
            _clear_up(final.parent)
            try:
                with file.open("rb") as source, part.open("xb") as copy:
                    shutil.copyfileobj(source, copy, PIECE_BYTES)
                    sync(copy)
                here().put_over(part, final)
            finally:
                part.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # some disks can't do that
                here().sync_names(final.parent)
        except OSError as error:
            raise self._trouble("can't be written", error) from error

    def pieces(self, name: str, size: int) -> Iterator[bytes]:
        """A file's bytes. Raises NotInStore, StoreTrouble."""
        try:
            with (self._root / name).open("rb") as file:
                while piece := file.read(PIECE_BYTES):
                    yield piece
        except FileNotFoundError:
            raise NotInStore(name) from None
        except OSError as error:
            raise self._trouble("can't be read", error) from error

    def delete(self, name: str) -> None:
        """Remove a file. Raises StoreTrouble."""
        try:
            (self._root / name).unlink(missing_ok=True)
        except OSError as error:
            raise self._trouble("can't be written", error) from error

    def _look(self) -> None:
        try:
            self._root.stat()
        except OSError as error:
            raise self._trouble("is not there", error) from error

    def _trouble(self, what: str, error: OSError) -> StoreTrouble:
        return StoreTrouble(f"the folder {what} ({error.strerror or type(error).__name__})")


def _clear_up(folder: Path) -> None:
    """Remove what a process that was killed had begun to write."""
    for part in folder.glob(".*.part"):
        with contextlib.suppress(OSError):
            if time.time() - part.stat().st_mtime > OLD_S:
                part.unlink()
