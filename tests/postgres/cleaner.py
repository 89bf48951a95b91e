"""Waits for the end of a process, however it comes, then ends the PostgreSQL server of a folder and deletes the folder.

python cleaner.py PID FOLDER
"""

from __future__ import annotations

import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path

import psutil

WAIT_S = 10.0


def end_servers(data: Path) -> None:
    """End every server of this data folder at once, without a checkpoint."""
    for process in psutil.process_iter(["cmdline"]):
        if str(data) in (process.info["cmdline"] or ()) and process.name() == "postgres":
            with suppress(psutil.Error):
                process.send_signal(signal.SIGQUIT)
                process.wait(WAIT_S)


def main() -> None:
    pid, folder = int(sys.argv[1]), Path(sys.argv[2])
    with suppress(psutil.NoSuchProcess):
        psutil.Process(pid).wait()
    end_servers(folder / "data")
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
