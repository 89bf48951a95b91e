"""What differs by operating system: each one's own way, here by the flavour of its paths and by its errors."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import pytest
import sqlalchemy as sa
from remote_video_pack.remote_video import operating_system
from remote_video_pack.remote_video.clips.output_file import target
from remote_video_pack.remote_video.clips.output_folder import OutputFolder
from remote_video_pack.remote_video.errors import InputRefused
from remote_video_pack.remote_video.ledger.sqlite_connection import address_of, engine_of, put_in_its_place
from remote_video_pack.remote_video.operating_system import Linux, MacOS, System, Windows, system_of
from remote_video_pack.remote_video.private_file import NotPrivate, read_private, why_unusable, write_private

POSIX_ONLY = pytest.mark.skipif(os.name == "nt", reason="calls of Linux and macOS")
WINDOWS_HOME, POSIX_HOME = PureWindowsPath(r"C:\Users\Zoe"), PurePosixPath("/home/zoe")
LOCAL = r"D:\Data\Local"


class Patient(Windows):
    """Windows, but nothing is waited for."""

    pause_s = 0.0


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> Windows:
    """This process runs on Windows, by what the pack knows."""
    monkeypatch.setattr(operating_system, "_here", system := Patient())
    return system


def windows_error(winerror: int) -> OSError:
    """As Python makes it of an error of Windows that has no errno."""
    error = OSError(errno.EINVAL, "as Windows words it")
    error.winerror = winerror
    return error


@pytest.mark.parametrize(
    ("name", "kind"),
    [("win32", Windows), ("darwin", MacOS), ("linux", Linux), ("freebsd14", System), ("cygwin", System)],
)
def test_each_system_has_its_own_way(name: str, kind: type[System]):
    assert type(system_of(name)) is kind


def test_this_one_is_that_of_this_machine():
    assert type(operating_system.here()) is type(system_of(sys.platform))


@pytest.mark.parametrize(
    ("system", "environ", "home", "folder"),
    [
        (Windows(), {"LOCALAPPDATA": LOCAL}, WINDOWS_HOME, PureWindowsPath(LOCAL)),
        (Windows(), {}, WINDOWS_HOME, WINDOWS_HOME / "AppData" / "Local"),
        (Windows(), {"LOCALAPPDATA": ""}, WINDOWS_HOME, WINDOWS_HOME / "AppData" / "Local"),
        (MacOS(), {"XDG_DATA_HOME": "/x"}, POSIX_HOME, POSIX_HOME / "Library" / "Application Support"),
        (Linux(), {"XDG_DATA_HOME": "/data"}, POSIX_HOME, PurePosixPath("/data")),
        (Linux(), {"XDG_DATA_HOME": "relative"}, POSIX_HOME, POSIX_HOME / ".local" / "share"),
        (Linux(), {"LOCALAPPDATA": LOCAL}, POSIX_HOME, POSIX_HOME / ".local" / "share"),
    ],
)
def test_data_goes_where_each_system_keeps_a_user_s(system: System, environ: dict[str, str], home: PurePath, folder):
    assert system.data_folder(environ, home) == folder


@pytest.mark.parametrize(
    ("path", "address"),
    [
        (PurePosixPath("/home/z o%e/l?.db"), "file:///home/z%20o%25e/l%3F.db?mode=rw"),
        (PureWindowsPath("C:\\Users\\Zo\u00eb\\l.db"), "file:///C%3A/Users/Zo%C3%AB/l.db?mode=rw"),
        (PureWindowsPath("\\\\server\\share\\l.db"), "file:////server/share/l.db?mode=rw"),
    ],
)
def test_a_ledger_s_file_is_told_to_sqlite_as_it_wants_paths_of_each_system(path: PurePath, address: str):
    """https://www.sqlite.org/uri.html, "URI Path": a drive's letter after a slash, and no host before a share's."""
    assert address_of(path) == address


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_no_room_is_told_by_errno(number: int):
    assert operating_system.is_full(OSError(number, "no room"))


@pytest.mark.parametrize("number", [39, 112, 1295])
def test_no_room_on_windows_is_told_by_its_own_numbers(number: int):
    assert operating_system.is_full(windows_error(number))


@pytest.mark.parametrize("error", [OSError(errno.EACCES, "no"), OSError("no number"), windows_error(5)], ids=repr)
def test_any_other_trouble_with_a_disk_is_not_taken_for_a_full_one(error: OSError):
    assert not operating_system.is_full(error)


@pytest.mark.parametrize(
    ("error", "is_so"),
    [
        (OSError(errno.ENAMETOOLONG, ""), True),
        (windows_error(3), True),
        (windows_error(206), True),
        (windows_error(2), False),
        (FileNotFoundError(errno.ENOENT, ""), False),
        (PermissionError(errno.EACCES, ""), False),
    ],
    ids=repr,
)
def test_a_path_that_is_too_long_is_told_from_a_file_that_is_not_there(error: OSError, is_so: bool):
    assert operating_system.is_too_long(error) is is_so


@POSIX_ONLY
def test_a_prefix_that_makes_too_long_a_path_is_refused_before_anything_is_paid(tmp_path: Path):
    """The folder can be made, and no clip in it: seen only when it is paid for."""
    deep = (os.pathconf("/", "PC_PATH_MAX") - len(os.fsencode(tmp_path))) // 121
    rest = os.pathconf("/", "PC_PATH_MAX") - len(os.fsencode(tmp_path)) - deep * 121
    prefix = "/".join([*["f" * 120] * (deep - 1), "f" * (rest + 10), "clip" * 25])
    with pytest.raises(InputRefused, match=r"makes a path of \d+ characters, too long here"):
        target(tmp_path, prefix)


def test_signals_are_those_there_are():
    assert operating_system.signals("SIGINT", "SIGNOT", "SIGTERM") == [signal.SIGINT, signal.SIGTERM]


def test_a_failed_connection_is_worded_where_the_system_s_own_words_lack_it():
    assert operating_system.words_of(10061, {10061: "Actively refused"}) == "Actively refused"
    assert operating_system.words_of(errno.ECONNREFUSED, {}) == os.strerror(errno.ECONNREFUSED)


@POSIX_ONLY
def test_a_file_is_closed_to_others_by_its_mode_alone(tmp_path: Path):
    write_private(tmp_path / "home" / "file", b"mine")
    assert stat.S_IMODE((tmp_path / "home" / "file").stat().st_mode) == 0o600


@POSIX_ONLY
def test_a_name_is_given_by_a_link_so_that_a_clip_keeps_both_until_it_is_written_down(tmp_path: Path):
    part, taken = tmp_path / "part", tmp_path / "taken"
    part.write_bytes(b"clip")
    taken.write_bytes(b"somebody's")
    with pytest.raises(FileExistsError):
        System().name_anew(part, taken, None)
    System().name_anew(part, tmp_path / "free", None)
    assert (tmp_path / "free").samefile(part)


@POSIX_ONLY
def test_a_link_in_the_place_of_a_clip_gives_no_name_to_what_it_leads_to(tmp_path: Path):
    victim, part = tmp_path / "victim", tmp_path / "part"
    victim.write_bytes(b"precious")
    part.symlink_to(victim)
    folder = System().hold(tmp_path, links=False)
    System().name_anew(part, tmp_path / "clip", folder)
    os.close(folder)
    assert victim.stat().st_nlink == 1


class TestWindows:
    """What it does otherwise. What it is that Windows refuses is played by files that refuse it."""

    def test_a_file_that_is_being_read_is_put_over_when_it_is_read(self, windows: Windows, tmp_path: Path):
        new, path = held_for(5, tmp_path / "new"), tmp_path / "path"
        new.write_bytes(b"new")
        path.write_bytes(b"old")
        windows.put_over(new, path)
        assert (path.read_bytes(), new.refusals) == (b"new", 0)

    def test_one_that_is_read_for_ever_stays_as_it_is_and_is_an_error(self, windows: Windows, tmp_path: Path):
        new, path = held_for(10_000, tmp_path / "new"), tmp_path / "path"
        new.write_bytes(b"new")
        path.write_bytes(b"old")
        with pytest.raises(PermissionError):
            windows.put_over(new, path)
        assert (path.read_bytes(), new.refusals) == (b"old", 10_000 - windows.tries)

    def test_elsewhere_the_same_refusal_is_one_of_rights_and_nothing_is_tried_again(self, tmp_path: Path):
        new = held_for(1, tmp_path / "new")
        new.write_bytes(b"new")
        with pytest.raises(PermissionError):
            System().put_over(new, tmp_path / "path")

    def test_a_name_is_given_by_a_rename_that_refuses_one_that_is_taken(self, windows: Windows, tmp_path: Path):
        part, taken = held_for(0, tmp_path / "part"), tmp_path / "taken"
        part.write_bytes(b"clip")
        taken.write_bytes(b"somebody's")
        with pytest.raises(FileExistsError):
            windows.name_anew(part, taken, None)
        windows.name_anew(part, tmp_path / "free", None)
        assert [file.name for file in sorted(tmp_path.iterdir())] == ["free", "taken"]

    def test_a_clip_that_a_virus_scanner_reads_gets_its_name(self, windows: Windows, tmp_path: Path):
        place = target(tmp_path, "clip")
        part = held_for(3, place.part("0" * 64))
        part.write_bytes(b"clip")
        assert place.publish(part).read_bytes() == b"clip"
        assert [file.name for file in tmp_path.iterdir()] == ["clip_00001_.mp4"]

    @POSIX_ONLY
    def test_nothing_is_held_open_and_a_link_out_of_the_folder_is_refused(self, windows: Windows, tmp_path: Path):
        output, outside = (tmp_path / "output").resolve(), tmp_path / "outside"
        for folder in (output, outside):
            folder.mkdir()
        (output / "link").symlink_to(outside, target_is_directory=True)
        with OutputFolder(output).held(output) as handle:
            assert handle is None
        with pytest.raises(NotADirectoryError), OutputFolder(output).held(output / "link"):
            pass
        with OutputFolder(output, follow_links=True).held(output / "link") as handle:
            assert handle is None
        with pytest.raises(NotADirectoryError), open(output / "link" / "x", "wb", opener=OutputFolder(output).opener):
            pass

    def test_a_ledger_s_file_is_closed_before_it_gets_another_name(self, windows: Windows, tmp_path: Path):
        new, path = tmp_path / "new", OnlyClosed(tmp_path / "ledger")
        new.write_bytes(b"new")
        with closing(sqlite3.connect(path)) as db:
            db.execute("CREATE TABLE t (x)")
        with engine_of(path).connect() as OnlyClosed.db:
            aside = put_in_its_place(new, path, "broken", OnlyClosed.db)
        assert (path.read_bytes(), aside.exists()) == (b"new", True)

    def test_folders_are_not_synced(self, windows: Windows, tmp_path: Path):
        windows.sync_names(tmp_path / "none")

    def test_no_process_forks(self, windows: Windows):
        windows.at_fork(after_in_child=lambda: pytest.fail("it forked"))

    def test_modes_and_owners_mean_nothing(self, windows: Windows, tmp_path: Path):
        home = tmp_path / "home"
        write_private(home / "file", b"mine")
        home.chmod(0o777)
        (home / "file").chmod(0o666)
        assert read_private(home / "file", 100) == b"mine"
        assert why_unusable(home) is None

    @pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may use any folder")
    def test_a_folder_that_cannot_be_used_is_named_without_an_owner(self, windows: Windows, tmp_path: Path):
        tmp_path.chmod(0o500)
        what, _ = why_unusable(tmp_path) or ("", "")
        tmp_path.chmod(0o700)
        assert what == f"This user may not read and write the folder {tmp_path}."

    @POSIX_ONLY
    def test_a_private_file_is_left_to_this_user_before_anything_is_in_it(self, windows, tmp_path, icacls):
        write_private(tmp_path / "home" / "file", b"secret")
        program, (file, *rights) = icacls.asked
        assert program.parent == tmp_path / "Windows" / "System32"
        assert (Path(file).parent, rights) == (tmp_path / "home", ["/inheritance:r", "/grant:r", "STUDIO\\zoe:F"])
        assert icacls.bytes_then == 0

    @POSIX_ONLY
    @pytest.mark.parametrize("fails_with", [5, None], ids=["refused", "no such program"])
    def test_one_that_cannot_be_closed_is_written_with_a_warning(self, windows, tmp_path, icacls, caplog, fails_with):
        icacls.fail(fails_with)
        write_private(tmp_path / "home" / "file", b"secret")
        assert read_private(tmp_path / "home" / "file", 100) == b"secret"
        why = "icacls ended with 5" if fails_with else "FileNotFoundError"
        assert f"could not be closed to other users of this machine ({why})" in caplog.text

    @POSIX_ONLY
    def test_a_link_is_no_private_file(self, windows: Windows, tmp_path: Path):
        (tmp_path / "file").symlink_to(tmp_path / "other")
        with pytest.raises(NotPrivate, match="is a link"):
            read_private(tmp_path / "file", 100)


class Held(type(Path())):
    """A file that somebody reads: Windows gives it no other name."""

    refusals = 0

    def _refuse(self) -> None:
        if self.refusals:
            self.refusals -= 1
            raise PermissionError(errno.EACCES, "The process cannot access the file", str(self))

    def replace(self, target):
        self._refuse()
        return Path(self).replace(target)

    def rename(self, target):
        self._refuse()
        if Path(target).exists():
            raise FileExistsError(errno.EEXIST, "exists", str(target))
        return Path(self).rename(target)


class OnlyClosed(type(Path())):
    """A database's file, which Windows gives no other name while a connection has it open."""

    db: sa.Connection

    def rename(self, target):
        assert self.db.closed
        return Path(self).rename(target)


def held_for(tries: int, path: Path) -> Held:
    held = Held(path)
    held.refusals = tries
    return held


class Icacls:
    """A program in its place that writes down what it is asked, and how large the file is by then."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "asked"
        self._program = folder / "Windows" / "System32" / "icacls.exe"
        self._program.parent.mkdir(parents=True)
        self._make(0)

    def _make(self, code: int) -> None:
        lines = ["#!/bin/sh", f"printf '%s\\n' \"$0\" \"$@\" > '{self._log}'", f"wc -c < \"$1\" >> '{self._log}'"]
        self._program.write_text("\n".join([*lines, f"exit {code}", ""]), encoding="utf-8")
        self._program.chmod(0o755)

    def fail(self, code: int | None) -> None:
        self._program.unlink()
        if code is not None:
            self._make(code)

    @property
    def asked(self) -> tuple[Path, list[str]]:
        program, *arguments, _ = self._log.read_text(encoding="utf-8").splitlines()
        return Path(program), arguments

    @property
    def bytes_then(self) -> int:
        return int(self._log.read_text(encoding="utf-8").splitlines()[-1])


@pytest.fixture
def icacls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Icacls:
    for name, value in (("SYSTEMROOT", str(tmp_path / "Windows")), ("USERDOMAIN", "STUDIO"), ("USERNAME", "zoe")):
        monkeypatch.setenv(name, value)
    return Icacls(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux's own calls")
def test_on_linux_only_the_cores_and_the_memory_of_this_process_count(tmp_path: Path):
    script = (
        "import os, sys, importlib.util as iu\n"
        "s = iu.spec_from_file_location('operating_system', sys.argv[1])\n"
        "m = iu.module_from_spec(s); sys.modules['operating_system'] = m; s.loader.exec_module(m)\n"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "print(m.here().cores(), m.here().address_room())\n"
    )
    plain = [sys.executable, "-c", script, operating_system.__file__]
    assert subprocess.run(plain, capture_output=True, text=True, check=True).stdout.split() == ["1", "None"]
    limited = ["sh", "-c", 'ulimit -v 4000000; exec "$@"', "sh", *plain]
    cores, room = subprocess.run(limited, capture_output=True, text=True, check=True).stdout.split()
    assert cores == "1" and 0 < int(room) < 4_096_000_000
    assert [system.address_room() for system in (MacOS(), Windows())] == [None, None]
    assert [system.cores() for system in (MacOS(), Windows())] == [os.cpu_count()] * 2


def test_what_was_written_is_on_the_disk_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Python's own buffer comes first."""
    sizes: list[int] = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (sizes.append(os.fstat(handle).st_size), real(handle)))
    with (tmp_path / "file").open("wb") as file:
        file.write(b"clip")
        operating_system.sync(file)
    assert sizes == [4]


def test_where_nobody_knows_how_many_cores_there_are_there_is_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert System().cores() == 1
