"""The image on this machine, for as long as the job lasts, where the host's own /view address serves it."""

from __future__ import annotations

import logging
from pathlib import Path
from urllib.parse import urlencode

from ..errors import UploadError
from .names import unguessable_name

_log = logging.getLogger("remote_video")


class PublicOrigin:
    """Puts files into the host's temp folder and sends their /view URL.

    Args:
        origin: the host's address as the provider reaches it, https://host[:port][/path].
        folder: the host's temp folder.
        subfolder: the pack's own folder in it.
    """

    name = "public-origin"

    def __init__(self, origin: str, folder: Path, subfolder: str) -> None:
        self._origin = origin.rstrip("/")
        self._folder = folder / subfolder
        self._subfolder = subfolder
        self._files: list[Path] = []

    def url_for(self, data: bytes, mime: str) -> str:
        """Write `data` under an unguessable name. Raises UploadError when the folder can't be written."""
        file = self._folder / unguessable_name(mime)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with file.open("xb") as sink:
                self._files.append(file)
                sink.write(data)
        except OSError as error:
            self.discard()
            raise UploadError(
                f"The image could not be written to {self._folder}: {error.strerror or error}.",
                next_step="Make the folder writable and free some space, then run again.",
            ) from error
        query = urlencode({"filename": file.name, "type": "temp", "subfolder": self._subfolder})
        return f"{self._origin}/view?{query}"

    @property
    def names(self) -> tuple[str, ...]:
        """Of the files that lie there."""
        return tuple(file.name for file in self._files)

    def adopt(self, names: list[str]) -> None:
        """Take over files that another run put there."""
        self._files += [self._folder / name for name in names]

    def discard(self) -> None:
        """Remove the files."""
        for file in self._files:
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                _log.warning("Could not remove %s (%s); it can be deleted by hand.", file, error)
        self._files.clear()
