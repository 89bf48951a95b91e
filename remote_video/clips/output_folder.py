"""The one folder that is written to, and paths below it as the ledger keeps them.

A ledger can be copied, or come from elsewhere: what it says of paths counts only below the reader's own folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..operating_system import NO_LINK, here


@dataclass(frozen=True)
class OutputFolder:
    """Where clips are saved.

    Args:
        root: absolute, without links.
        follow_links: whether a folder in it that is a link to another place is taken as if it lay here.
    """

    root: Path
    follow_links: bool = False

    def kept(self, path: Path) -> str:
        """A path below it as the ledger keeps it: relative, with slashes."""
        return path.relative_to(self.root).as_posix()

    def file(self, kept: str | None) -> Path | None:
        """The file that a kept path means here; None when that would lie outside.

        Args:
            kept: relative; absolute in ledgers of earlier versions.
        """
        try:
            path = self.root / (kept or "")
            below = path.relative_to(self.root)
            leaves = not below.parts or ".." in below.parts or not (self.follow_links or self._holds(path))
        except (ValueError, OSError, RuntimeError):  # not below it; a NUL, a name too long, a loop of links
            return None
        return None if leaves else path

    def files(self, kept: str | None) -> Iterator[Path]:
        """What may be the file of a kept path in a folder that was moved here: its last names, as many as there are."""
        parts = PurePosixPath((kept or "").replace("\\", "/")).parts
        for first in range(len(parts)):
            if path := self.file("/".join(parts[first:])):
                yield path

    @contextmanager
    def held(self, folder: Path) -> Iterator[int | None]:
        """Hold a folder below open, reached from the root without a link: what is done in it can't be led elsewhere.

        Yields its descriptor, for `dir_fd`; None where the system has no such thing.

        Raises:
            OSError: somebody has put a link into its place, or it is gone.
        """
        if not here().holds_folders():
            if not (self.follow_links or self._holds(folder)):
                raise NotADirectoryError(f"a link leads out of the output folder: {folder}")
            yield None
            return
        handle = here().hold(self.root, links=True)
        try:
            for name in folder.relative_to(self.root).parts:
                above, handle = handle, here().hold(name, self.follow_links, below=handle)
                os.close(above)
            yield handle
        finally:
            os.close(handle)

    def opener(self, path: str, flags: int) -> int:
        """For `open`: the file itself and never what a link in its place leads to."""
        file = Path(path)
        with self.held(file.parent) as folder:
            return os.open(file if folder is None else file.name, flags | NO_LINK, 0o666, dir_fd=folder)

    def _holds(self, path: Path) -> bool:
        return path.resolve().is_relative_to(self.root)
