"""Where a clip is saved: inside the output folder, under a unique name, and never partly written.

A download goes into a `.part` file whose name belongs to its job alone. Only when it is complete does it get its
final name, by a step that fails rather than overwrites (a hard link; on Windows a rename).
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePosixPath, PureWindowsPath

from ..errors import InputRefused
from ..operating_system import here, is_too_long
from ..outside_text import is_hidden, quoted
from .output_folder import OutputFolder

SUFFIX = ".mp4"
MAX_NAME_BYTES = 120
"""Of one folder or file name, UTF-8: leaves room for the number and suffixes under the usual 255."""
MAX_FOLDERS = 64
MAX_REMEMBERED = 1000
"""Names whose last number is remembered."""
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3]) *(\.|$)", re.IGNORECASE)
_TIME_WORDS = {"year": "%Y", "month": "%m", "day": "%d", "hour": "%H", "minute": "%M", "second": "%S"}
_NUMBERED = re.compile(r"(.+)_(\d{5,9})_")
_FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f\x7f]')


@dataclass(frozen=True)
class Target:
    """A folder inside the output folder and the beginning of a file name, or the whole of it."""

    output: OutputFolder
    folder: Path
    stem: str
    is_whole: bool = False
    """Whether the clip is to be called `exact`, if it can."""
    wanted: int = 0
    """The number it is to have then; 0 for none."""
    suffix: str = SUFFIX

    @property
    def exact(self) -> Path:
        """The name that was asked for."""
        return self._numbered(self.wanted)

    def part(self, key: str) -> Path:
        """The partial download of the job with that key."""
        return self.folder / f".{self.stem}.{key[:16]}.part"

    def publish(self, part: Path) -> Path:
        """Give a complete download its final name for good: `<stem>_00001_.mp4`, or the one after the highest there is.

        A whole name is used as it is if it is free.

        Where the file system has hard links `part` stays, as a second name of the same file: a run that finds it
        after a crash, before the clip was written down, knows that it was published and where.
        """
        with self.output.held(self.folder) as folder:
            final = self.published_before(part) or self._take_number(part, folder)
            with contextlib.suppress(OSError):  # some disks can't do that
                here().sync_names(self.folder)
            seen = final.name if folder is not None else final
            if not os.path.samestat(os.stat(seen, dir_fd=folder, follow_symlinks=False), final.lstat()):
                raise NotADirectoryError(f"the folder was exchanged while the clip got its name: {self.folder}")
        return final

    def published_before(self, part: Path) -> Path | None:
        """The final name a run before this one gave it, when that run died before it could tidy up."""
        try:
            if part.stat().st_nlink < 2:
                return None
        except FileNotFoundError:
            return None
        return next((clip for clip in self.clips() if clip.samefile(part)), None)

    def clips(self) -> Iterator[Path]:
        """The clips whose name begins so. Lists the folder."""
        return map(self.folder.joinpath, self._clips())

    def _take_number(self, part: Path, folder: int | None) -> Path:
        taken = (
            number for number in self._numbers() if _rename_without_overwriting(part, self._numbered(number), folder)
        )
        number = next(taken)
        if len(_last_numbers) >= MAX_REMEMBERED:
            _last_numbers.clear()
        _last_numbers[self._row] = max(number, _last_numbers.get(self._row, 0))
        return self._numbered(number)

    def _numbers(self) -> Iterator[int]:
        """Those to try. The folder is listed at the first use of the name, and when somebody else uses it as well."""
        if self.is_whole:
            yield self.wanted
        if self._row in _last_numbers:
            yield _last_numbers[self._row] + 1
        yield from count(self.next_number())

    def next_number(self) -> int:
        """The one after the highest there is. Lists the folder."""
        pattern = re.compile(re.escape(self.stem) + r"_(\d+)_?" + re.escape(self.suffix))
        found = (pattern.fullmatch(name) for name in self._clips())
        return max((int(match[1]) for match in found if match), default=0) + 1

    def with_number(self, number: int) -> str:
        """The file's name with that number."""
        return self._numbered(number).name

    def beside(self, clip: Path, number: int, suffix: str) -> Target:
        """Where another file of the same job goes: `<clip's name>-2.png`."""
        return Target(self.output, clip.parent, f"{clip.stem}-{number}", is_whole=True, suffix=suffix)

    @property
    def _row(self) -> tuple[Path, str]:
        return self.folder, self.stem + self.suffix

    def _numbered(self, number: int) -> Path:
        return self.folder / (f"{self.stem}_{number:05}_{self.suffix}" if number else f"{self.stem}{self.suffix}")

    def _clips(self) -> list[str]:
        names = os.listdir(self.folder)  # noqa: PTH208 - 20,000 Path objects take longer than the listing
        return [name for name in names if name.startswith(self.stem) and name.endswith(self.suffix)]


_last_numbers: dict[tuple[Path, str], int] = {}
"""What this process gave last in each folder under each name. Forgetting costs a listing, being wrong one more try."""


def target(output_folder: Path, filename_prefix: str, *, follow_links: bool = False) -> Target:
    """Understand a `filename_prefix`, as ComfyUI's Save nodes do, and make its folder.

    Args:
        output_folder: nothing is written outside it.
        filename_prefix: "folder/name"; a name that ends in .mp4 is a whole one, and "name_00007_.mp4" the one with that
            number, or the next that is free. Its words for the time are replaced,
            if `expand` didn't yet. Characters that some system forbids in a name become "_"; long names are cut.
        follow_links: whether a folder below may be a link that leads outside.

    Raises:
        InputRefused: it is empty, absolute, too long, leads outside the output folder, or names a Windows device.
    """
    *folders, last = _parts(expand(filename_prefix), filename_prefix)
    is_whole = last.lower().endswith(SUFFIX) and last.lower() != SUFFIX
    stem = last[: -len(SUFFIX)] if is_whole else last
    numbered = _NUMBERED.fullmatch(stem) if is_whole else None
    names = [_name(part, filename_prefix) for part in (*folders, numbered[1] if numbered else stem)]
    output_folder.mkdir(parents=True, exist_ok=True)
    root = output_folder.resolve()
    folder = root.joinpath(*names[:-1])
    try:
        nearest = next(path for path in (folder, *folder.parents) if path.exists())
        if not follow_links and not nearest.resolve().is_relative_to(root):
            raise _refused(filename_prefix, "leads outside the output folder through a link")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _refused(filename_prefix, f"names a folder that can't be made ({error.strerror})") from error
    longest = folder / f".{names[-1]}-shared.{'0' * 16}.part"
    try:
        longest.lstat()
    except OSError as error:
        if is_too_long(error):
            raise _refused(filename_prefix, f"makes a path of {len(str(longest))} characters, too long here") from None
    return Target(OutputFolder(root, follow_links), folder, names[-1], is_whole, int(numbered[2]) if numbered else 0)


def other_part(part: Path, number: int) -> Path:
    """The partial download of another file of the same job as `part` belongs to."""
    stem, key = part.name.removesuffix(".part").rsplit(".", 1)
    return part.with_name(f"{stem}-{number}.{key}.part")


def shared_part(part: Path) -> Path:
    """What comes from the clip store in place of what `part` is for: never mixed with a provider's bytes."""
    stem, key = part.name.removesuffix(".part").rsplit(".", 1)
    return part.with_name(f"{stem}-shared.{key}.part")


def expand(filename_prefix: str) -> str:
    """Replace %year%, %month%, %day%, %hour%, %minute% and %second% by the present time; anything else stays.

    But for halves of characters, which no file's name and no ledger takes.
    """
    now = time.localtime()
    for word, form in _TIME_WORDS.items():
        filename_prefix = filename_prefix.replace(f"%{word}%", time.strftime(form, now))
    return filename_prefix.encode("utf-8", "replace").decode("utf-8")


def _parts(prefix: str, shown: str) -> list[str]:
    unified = prefix.strip().replace("\\", "/")
    if "\x00" in unified:
        raise _refused(shown, "holds a NUL character")
    if PurePosixPath(unified).is_absolute() or PureWindowsPath(unified).drive or unified.startswith("~"):
        raise _refused(shown, "is an absolute path")
    parts = [part for part in unified.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise _refused(shown, "leads outside the output folder (..)")
    if len(parts) > MAX_FOLDERS:
        raise _refused(shown, f"names {len(parts) - 1:,} folders; at most {MAX_FOLDERS - 1} are possible")
    if not parts or unified.endswith("/"):
        raise _refused(shown, "holds no file name")
    return parts


def _name(part: str, shown: str) -> str:
    name = _FORBIDDEN.sub("_", "".join("_" if is_hidden(char) else char for char in part)).strip()
    name = name.encode("utf-8")[:MAX_NAME_BYTES].decode("utf-8", "ignore").rstrip(" .").lstrip(" .")
    if _RESERVED.match(name):
        raise _refused(shown, f"holds {quoted(name)}, a device's name on Windows")
    return name or "_"


def _refused(prefix: str, why: str) -> InputRefused:
    return InputRefused(
        f"`filename_prefix` {why}: {quoted(prefix)}.",
        next_step="Use a name below ComfyUI's output folder, such as video/clip.",
    )


def _rename_without_overwriting(part: Path, final: Path, folder: int | None) -> bool:
    """Both lie in the folder that is held open, if it can be."""
    try:
        here().name_anew(part, final, folder)
        return True
    except FileExistsError:
        return False
    except OSError:
        return _reserve_and_replace(part, final, folder)


def _reserve_and_replace(part: Path, final: Path, folder: int | None) -> bool:
    """For file systems without hard links: hold the name with an empty file, and put the clip in its place at once."""
    name = final if folder is None else final.name
    try:
        os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644, dir_fd=folder))
    except FileExistsError:
        return False
    try:
        here().put_over(part, final, folder)
    except OSError:
        os.unlink(name, dir_fd=folder)
        raise
    return True
