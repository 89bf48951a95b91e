"""The registry's archive, as `comfy node pack` makes it: the tracked files that `.comfyignore` leaves."""

from __future__ import annotations

import subprocess
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from pathspec import GitIgnoreSpec

ROOT = Path(__file__).resolve().parents[2]


def tracked() -> list[str]:
    """The repository's files, by their path from its top. Without git, the test is skipped."""
    try:
        listed = subprocess.run(
            ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, check=True, encoding="utf-8"
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("what ships is what git tracks, and this is no clone")
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def shipped(names: Iterable[str]) -> list[str]:
    """Those of these paths that go into the archive.

    comfy-cli reads the rules like this (`zip_files` in
    https://github.com/Comfy-Org/comfy-cli/blob/main/comfy_cli/file_utils.py).
    """
    ignored = GitIgnoreSpec.from_lines((ROOT / ".comfyignore").read_text(encoding="utf-8").splitlines())
    return [name for name in names if not ignored.match_file(name)]


def pack(archive: Path) -> Path:
    """Write the archive of the files as they are now."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name in shipped(tracked()):
            zipped.write(ROOT / name, name)
    return archive
