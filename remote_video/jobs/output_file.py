"""Where a clip is saved: inside the output folder, under a name nobody else has, and never half written.

A download goes into a `.part` file whose name belongs to its job alone. Only when it is complete does it get its
final name, by a step that fails rather than overwrites (a hard link; on Windows a rename).
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from ..errors import InputRefused

SUFFIX = ".mp4"
MAX_NAME_BYTES = 120
"""Of one folder or file name, UTF-8: leaves room for the number and suffixes under the usual 255."""
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3]) *(\.|$)", re.IGNORECASE)
_TIME_WORDS = {"year": "%Y", "month": "%m", "day": "%d", "hour": "%H", "minute": "%M", "second": "%S"}
_FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f\x7f]')


@dataclass(frozen=True)
class Target:
    """A folder inside the output folder and the beginning of a file name."""

    folder: Path
    stem: str

    def part(self, key: str) -> Path:
        """The partial download of the job with that key."""
        return self.folder / f".{self.stem}.{key[:16]}.part"

    def publish(self, part: Path) -> Path:
        """Give a complete download its final name, `<stem>_00001_.mp4` or the next free number.

        Where the file system has hard links `part` stays, as a second name of the same file: a run that finds it
        after a crash, before the clip was written down, knows that it was published and where.
        """
        known = self.published_before(part)
        number = self._highest_number() + 1
        while known is None:
            final = self.folder / f"{self.stem}_{number:05}_{SUFFIX}"
            known = final if _rename_without_overwriting(part, final) else None
            number += 1
        return known

    def published_before(self, part: Path) -> Path | None:
        """The final name a run before this one gave it, when that run died before it could tidy up."""
        if not part.exists() or part.stat().st_nlink < 2:
            return None
        return next((clip for clip in self._clips() if clip.samefile(part)), None)

    def _clips(self) -> list[Path]:
        return [path for path in self.folder.iterdir() if path.name.startswith(self.stem) and path.suffix == SUFFIX]

    def _highest_number(self) -> int:
        pattern = re.compile(re.escape(self.stem) + r"_(\d+)_?" + re.escape(SUFFIX))
        found = (pattern.fullmatch(path.name) for path in self._clips())
        return max((int(match[1]) for match in found if match), default=0)


def target(output_folder: Path, filename_prefix: str) -> Target:
    """Understand a `filename_prefix`, as ComfyUI's Save nodes do, and make its folder.

    Args:
        output_folder: nothing is written outside it.
        filename_prefix: "folder/name", with %year%, %month%, %day%, %hour%, %minute%, %second%. Characters that
            some system forbids in a name become "_"; long names are cut.

    Raises:
        InputRefused: it is empty, absolute, leads outside the output folder, or names a Windows device.
    """
    names = [_name(part, filename_prefix) for part in _parts(_with_time(filename_prefix), filename_prefix)]
    output_folder.mkdir(parents=True, exist_ok=True)
    root = output_folder.resolve()
    folder = root.joinpath(*names[:-1])
    try:
        nearest = next(path for path in (folder, *folder.parents) if path.exists())
        if not nearest.resolve().is_relative_to(root):
            raise _refused(filename_prefix, "leads outside the output folder through a link")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _refused(filename_prefix, f"names a folder that can't be made ({error.strerror})") from error
    return Target(folder, names[-1])


def _with_time(prefix: str) -> str:
    now = time.localtime()
    for word, form in _TIME_WORDS.items():
        prefix = prefix.replace(f"%{word}%", time.strftime(form, now))
    return prefix


def _parts(prefix: str, shown: str) -> list[str]:
    unified = prefix.strip().replace("\\", "/")
    if "\x00" in unified:
        raise _refused(shown, "holds a NUL character")
    if PurePosixPath(unified).is_absolute() or PureWindowsPath(unified).drive or unified.startswith("~"):
        raise _refused(shown, "is an absolute path")
    parts = [part for part in unified.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise _refused(shown, "leads outside the output folder (..)")
    if not parts or unified.endswith("/"):
        raise _refused(shown, "holds no file name")
    return parts


def _name(part: str, shown: str) -> str:
    name = _FORBIDDEN.sub("_", part.encode("utf-8", "replace").decode("utf-8")).strip()
    name = name.encode("utf-8")[:MAX_NAME_BYTES].decode("utf-8", "ignore").rstrip(" .").lstrip(" .")
    if _RESERVED.match(name):
        raise _refused(shown, f"holds {name!r}, a device's name on Windows")
    return name or "_"


def _refused(prefix: str, why: str) -> InputRefused:
    return InputRefused(
        f"`filename_prefix` {prefix[:80]!r} {why}.",
        next_step="Use a name below ComfyUI's output folder, such as video/clip.",
    )


def _rename_without_overwriting(part: Path, final: Path) -> bool:
    try:
        if os.name == "nt":
            part.rename(final)
        else:
            final.hardlink_to(part)
        return True
    except FileExistsError:
        return False
    except OSError:
        return _reserve_and_replace(part, final)


def _reserve_and_replace(part: Path, final: Path) -> bool:
    """For file systems without hard links: hold the name with an empty file, and put the clip in its place at once."""
    try:
        os.close(os.open(final, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
    except FileExistsError:
        return False
    part.replace(final)
    return True
