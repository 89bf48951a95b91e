"""What a job made besides its clip, further videos and pictures: each is downloaded and saved beside the clip.

None of them keeps the user from the clip: one that can't be had is noted with the reason, and tried again at the next
Run unless it is gone for good.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ..clips.digest import sha256
from ..clips.output_file import Target, other_part
from ..clips.output_folder import OutputFolder
from ..errors import AccountError, DownloadError, RemoteVideoError, SettingsError
from ..ledger.record import MAX_FILES, JobRecord, OtherFile
from ..media.saved_file import check_video_or_picture
from ..providers.status import JobStatus, MediaSource
from .tools import Tools
from .transfer import Incoming, NotHad, Transfer

MAX_TRIES = 4
"""In a row: the user waits for the clip meanwhile."""


@dataclass(frozen=True)
class Arrived:
    """Whole and checked, and without a name yet."""

    other: OtherFile
    part: Path
    suffix: str


def planned(status: JobStatus, known: tuple[OtherFile, ...] = (), clip_number: int = 1) -> list[OtherFile]:
    """All files that an answer names besides the clip; of those that are `known`, what is known."""
    count = len(status.files)
    noted = {other.number: other for other in known}
    numbers = [number for number in range(1, min(count, MAX_FILES) + 1) if number != clip_number]
    files = [noted.get(number, OtherFile(number)) for number in numbers]
    if count > MAX_FILES:
        why = f"The provider named {count} files; {MAX_FILES} of one job are saved."
        files.append(OtherFile(MAX_FILES + 1, trouble=why, is_gone=True))
    return files


class OtherFiles:
    """Brings them into partial files beside the clip's."""

    def __init__(self, tools: Tools, record: JobRecord, transfer: Transfer) -> None:
        self._tools = tools
        self._transfer = transfer
        self._request_id = record.request_id or ""
        self._provider = record.provider

    async def bring(
        self, files: list[OtherFile], place: Target, part: Path, clip: Path | None, status: JobStatus | None
    ) -> list[OtherFile | Arrived]:
        """The same files, each with its outcome.

        Args:
            part: the clip's partial file.
            clip: its final name, when it has it.
            status: the one that told of their addresses, when it is fresh.
        """
        brought: list[OtherFile | Arrived] = []
        for number, other in enumerate(files, start=1):
            had: OtherFile | Arrived = other
            if other.is_due:
                self._transfer.show(f"downloading what else the job made ({number} of {len(files)})")
                try:
                    had, status = await self._bring(other, place, part, clip, status)
                except (DownloadError, AccountError, SettingsError, OSError) as error:
                    why = error.what if isinstance(error, RemoteVideoError) else f"It can't be written: {error}."
                    had = OtherFile(other.number, trouble=why, is_gone=isinstance(error, NotHad) and error.is_gone)
            brought.append(had)
        return brought

    async def _bring(
        self, other: OtherFile, place: Target, part: Path, clip: Path | None, status: JobStatus | None
    ) -> tuple[OtherFile | Arrived, JobStatus | None]:
        tools, mine = self._tools, other_part(part, other.number)
        name = f"File {other.number} of the job"

        def sources(answer: JobStatus) -> tuple[MediaSource, ...]:
            if len(answer.files) < other.number:
                raise NotHad(f"{name} is no longer named by {self._provider}.", is_gone=True)
            return answer.files[other.number - 1]

        def before() -> Path | None:
            """What a run that died gave it as its name."""
            done = place.beside(clip, other.number, "").published_before(mine) if clip else None
            if done is None:
                mine.unlink(missing_ok=True)
            return done

        done = await tools.call(tools.pools.downloads, before)
        if done is not None:
            return await tools.call(tools.pools.downloads, lambda: _facts(other, done, place.output)), status
        file = Incoming(mine, name, check_video_or_picture, sources, "video or picture")
        known, suffix = await self._transfer.bring(file, status, self._fresh, MAX_TRIES)
        arrived = await tools.call(tools.pools.downloads, lambda: _facts(other, mine, None))
        return Arrived(arrived, mine, suffix), known

    async def _fresh(self) -> JobStatus:
        if (status := await self._transfer.fresh_addresses()) is not None:
            return status
        raise NotHad(f"{self._provider} no longer knows the job, and not all of its files are here.", is_gone=True)


def _facts(other: OtherFile, file: Path, folder: OutputFolder | None) -> OtherFile:
    path = folder.kept(file) if folder else None
    return OtherFile(other.number, path, file.stat().st_size, sha256(file))


def named(files: list[OtherFile | Arrived], place: Target, clip: Path) -> list[OtherFile]:
    """All of them as they are noted; those that have arrived get their names beside the clip. Raises OSError."""
    return [_named(file, place, clip) if isinstance(file, Arrived) else file for file in files]


def _named(file: Arrived, place: Target, clip: Path) -> OtherFile:
    final = place.beside(clip, file.other.number, file.suffix).publish(file.part)
    return replace(file.other, path=place.output.kept(final))
