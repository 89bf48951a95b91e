"""A disk that can be filled: a small tmpfs where this process may mount one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BUSY_FOR_S = 20.0


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """Mount a disk of that size; skips the test where that can't be done."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small disk needs Linux and the right to mount a tmpfs")
    folder.mkdir(parents=True)
    options = ["-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    if subprocess.run(["mount", *options], check=False, capture_output=True).returncode:
        pytest.skip("a tmpfs can't be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def read_only(folder: Path) -> None:
    """Make the small disk one that can't be written to: as soon as no file on it is being written."""
    end = time.monotonic() + BUSY_FOR_S
    while subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=False, capture_output=True).returncode:
        assert time.monotonic() < end, "the disk is never at rest"
        time.sleep(0.02)


def writable(folder: Path) -> None:
    """And one that can again."""
    subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Use up the room that is left; remove the file to make room again."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return ballast
