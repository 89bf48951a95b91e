"""A clip is saved inside the output folder, whole, under a name nobody else has."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from remote_video_pack.remote_video.clips import output_file
from remote_video_pack.remote_video.clips.output_file import Target, expand, target
from remote_video_pack.remote_video.errors import InputRefused

PACK = Path(__file__).resolve().parents[2]
KEY = "0123456789abcdef" * 4
LINKS = pytest.mark.skipif(os.name == "nt", reason="making links needs a privilege there")


def save(place: Target, content: bytes, key: str = KEY) -> Path:
    part = place.part(key)
    part.write_bytes(content)
    final = place.publish(part)
    part.unlink(missing_ok=True)
    return final


@pytest.mark.parametrize(
    "prefix",
    [
        "../clip",
        "video/../../clip",
        "..",
        "video/..",
        "..\\clip",
        "video\\..\\..\\clip",
        "/etc/clip",
        "//server/share/clip",
        "\\\\server\\share\\clip",
        "C:\\clip",
        "C:clip",
        "c:/clip",
        "\\clip",
        "~/clip",
        "",
        "   ",
        "/",
        "video/",
        ".",
        "./",
        "clip\x00.mp4",
        "con",
        "CON.mp4",
        "video/nul",
        "aux/clip",
        "video/Com1.x",
        "lpt9",
        "PRN ",
        "conin$",
        "com\u00b9",
    ],
)
def test_a_prefix_that_would_leave_or_is_no_name_is_refused(output: Path, prefix: str):
    with pytest.raises(InputRefused, match="filename_prefix"):
        target(output, prefix)
    assert list(output.iterdir()) == []


@pytest.mark.parametrize(
    ("prefix", "folder", "stem"),
    [
        ("clip", ".", "clip"),
        ("video/clip", "video", "clip"),
        ("video\\clip", "video", "clip"),
        ("a/./b//clip", "a/b", "clip"),
        (" clip ", ".", "clip"),
        ("what?*<is>|this:", ".", "what___is__this_"),
        ("tab\there", ".", "tab_here"),
        ("clip.", ".", "clip"),
        (".hidden", ".", "hidden"),
        ("...", ".", "_"),
        ("\U0001f3ac clip", ".", "\U0001f3ac clip"),
        ("\u6771\u4eac/\u30af\u30ea\u30c3\u30d7", "\u6771\u4eac", "\u30af\u30ea\u30c3\u30d7"),
        ("half \ud83c", ".", "half _"),
        ("console/context", "console", "context"),
    ],
)
def test_a_prefix_becomes_a_name_every_system_takes(output: Path, prefix: str, folder: str, stem: str):
    place = target(output, prefix)
    assert place.folder == output.joinpath(folder).resolve()
    assert place.stem == stem
    assert save(place, b"clip").name == f"{stem}_00001_.mp4"


@pytest.mark.parametrize("prefix", ["video/clip.mp4", "video/clip.MP4", "video/ clip .mp4"])
def test_a_whole_name_is_taken_while_nobody_has_it(output: Path, prefix: str):
    names = [save(target(output, prefix), b"clip").name for _ in range(3)]
    assert names == ["clip.mp4", "clip_00001_.mp4", "clip_00002_.mp4"]
    (output / "video" / "clip.mp4").unlink()
    assert save(target(output, prefix), b"clip") == target(output, prefix).exact


def test_an_output_folder_that_is_not_there_yet_is_made(tmp_path: Path):
    output = tmp_path / "not" / "there"
    assert save(target(output, "video/clip"), b"clip") == output.resolve() / "video" / "clip_00001_.mp4"


def test_a_whole_name_with_a_number_is_that_number_or_the_next_that_is_free(output: Path):
    names = [save(target(output, "clip_00007_.mp4"), b"clip").name for _ in range(2)]
    assert names == ["clip_00007_.mp4", "clip_00008_.mp4"]
    assert save(target(output, "clip_00002_.mp4"), b"clip").name == "clip_00002_.mp4"
    assert save(target(output, "clip"), b"clip").name == "clip_00009_.mp4"
    assert target(output, "clip_00007_.mp4").exact == output.resolve() / "clip_00007_.mp4"


def test_a_long_name_keeps_its_number(output: Path):
    assert save(target(output, "x" * 300 + "_00007_.mp4"), b"clip").name.endswith("x_00007_.mp4")


def test_a_suffix_alone_is_no_whole_name(output: Path):
    assert save(target(output, ".mp4"), b"clip").name == "mp4_00001_.mp4"


@pytest.mark.parametrize("letter", ["x", "\u00e4", "\u6771", "\U0001f3ac"])
def test_long_names_are_cut_between_letters(output: Path, letter: str):
    place = target(output, letter * 300 + "/" + letter * 300)
    final = save(place, b"clip")
    for name in (final.name, place.part(KEY).name, place.folder.name):
        assert len(name.encode()) < 200
    assert set(place.stem) == {letter}


def test_a_path_too_long_for_the_system_is_refused_in_words(output: Path):
    with pytest.raises(InputRefused, match="can't be made"):
        target(output, "/".join(["folder" * 15] * 60) + "/clip")


@pytest.mark.parametrize("folders", [64, 2000, 20_000])
def test_too_many_folders_are_refused_in_words(output: Path, folders: int):
    with pytest.raises(InputRefused, match="folders; at most 63"):
        target(output, "d/" * folders + "clip")
    assert list(output.iterdir()) == []


def test_a_folder_that_is_a_file_is_refused_in_words(output: Path):
    (output / "video").write_bytes(b"")
    with pytest.raises(InputRefused, match="can't be made"):
        target(output, "video/clip")


@pytest.mark.parametrize("prefix", ["%year%-%month%-%day%/clip_%hour%%minute%%second%", "%date%", "%2e%2e/x"])
def test_words_for_the_time_are_replaced_and_nothing_else_is_decoded(output: Path, prefix: str):
    place = target(output, prefix)
    assert place.folder.resolve().is_relative_to(output)
    assert "%year%" not in str(place.folder) and "%second%" not in place.stem


def test_a_prefix_that_was_expanded_stays_what_it_was(output: Path, monkeypatch: pytest.MonkeyPatch):
    """The ledger keeps it: a clip that is collected tomorrow belongs where its node would have saved it today."""
    monkeypatch.setattr(time, "localtime", lambda: time.struct_time((2025, 3, 9, 7, 5, 2, 6, 68, 0)))
    expanded = expand("%year%-%month%-%day%/clip_%hour%%minute%%second%_%date%")
    assert expanded == "2025-03-09/clip_070502_%date%"
    monkeypatch.undo()
    assert expand(expanded) == expanded
    place = target(output, expanded)
    assert (place.folder, place.stem) == (output.resolve() / "2025-03-09", "clip_070502_%date%")


@LINKS
@pytest.mark.parametrize("prefix", ["link/clip", "link/deeper/clip", "video/../link/clip"])
def test_a_link_that_leads_out_is_refused(output: Path, tmp_path: Path, prefix: str):
    outside = tmp_path / "outside"
    outside.mkdir()
    (output / "link").symlink_to(outside, target_is_directory=True)
    with pytest.raises(InputRefused):
        target(output, prefix)
    assert list(outside.iterdir()) == []


@LINKS
def test_a_link_to_a_place_that_is_not_there_yet_is_refused(output: Path, tmp_path: Path):
    (output / "link").symlink_to(tmp_path / "later", target_is_directory=True)
    with pytest.raises(InputRefused):
        target(output, "link/clip")
    assert not (tmp_path / "later").exists()


@LINKS
def test_an_output_folder_that_is_itself_a_link_is_fine(output: Path, tmp_path: Path):
    (tmp_path / "link").symlink_to(output, target_is_directory=True)
    assert save(target(tmp_path / "link", "video/clip"), b"clip").is_relative_to(output)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(prefix=st.text(max_size=60) | st.text(alphabet="./\\~:%C con\x00\u00e4", max_size=20))
def test_whatever_is_typed_nothing_is_written_outside(output: Path, prefix: str):
    try:
        place = target(output, prefix)
    except InputRefused:
        return
    final = save(place, b"clip")
    assert final.resolve().is_relative_to(output.resolve())
    for name in final.relative_to(output.resolve()).parts:
        assert not PureWindowsPath(name).is_reserved()
        assert not set(name) & set('<>:"/\\|?*') and name == name.rstrip(" .") and not name.startswith(".")


# -- names nobody else has ---------------------------------------------------------------------------------------------


def test_a_clip_is_never_written_over(output: Path):
    place = target(output, "clip")
    names = [save(place, bytes([n]) * 10).name for n in range(3)]
    assert names == ["clip_00001_.mp4", "clip_00002_.mp4", "clip_00003_.mp4"]
    assert (output / "clip_00001_.mp4").read_bytes() == bytes(10)


def test_numbers_go_on_after_the_highest(output: Path):
    for name in ("clip_00007_.mp4", "clip_00003.mp4", "clip_x_.mp4", "other_00050_.mp4", "clip_99_00090_.mp4"):
        (output / name).write_bytes(b"somebody's")
    assert save(target(output, "clip"), b"clip").name == "clip_00008_.mp4"


@pytest.fixture
def listings(output: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every listing of a folder, seen at the system call."""
    seen: list[Path] = []
    real = os.listdir

    def listdir(folder: Path) -> list[str]:
        seen.append(folder)
        return real(folder)

    monkeypatch.setattr(os, "listdir", listdir)
    return seen


def test_the_folder_is_listed_for_the_first_clip_alone(output: Path, listings: list[Path]):
    """At 20,000 clips a listing costs 10 ms and more, on a network drive seconds."""
    place = target(output, "clip")
    for _ in range(5):
        save(place, b"clip")
    assert listings == [place.folder]
    save(target(output, "other"), b"clip")
    assert len(listings) == 2


def test_numbers_somebody_else_took_meanwhile_are_passed_over_at_once(output: Path, listings: list[Path]):
    place = target(output, "clip")
    save(place, b"clip")
    for number in range(2, 500):
        (output / f"clip_{number:05}_.mp4").write_bytes(b"somebody's")
    assert save(place, b"clip").name == "clip_00500_.mp4"
    assert save(place, b"clip").name == "clip_00501_.mp4"
    assert len(listings) == 2


def test_what_is_remembered_of_names_has_a_bound(output: Path, monkeypatch: pytest.MonkeyPatch, listings: list[Path]):
    monkeypatch.setattr(output_file, "MAX_REMEMBERED", 3)
    monkeypatch.setattr(output_file, "_last_numbers", {})
    for name in "abcde":
        assert save(target(output, name), b"clip").name == f"{name}_00001_.mp4"
        assert len(output_file._last_numbers) <= 3
    assert save(target(output, "a"), b"clip").name == "a_00002_.mp4"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such call")
def test_the_name_is_on_the_disk_too(output: Path, monkeypatch: pytest.MonkeyPatch):
    """Else the ledger would name a clip that a power cut has taken the name from."""
    names: list[list[str]] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        real(descriptor)
        if os.path.samestat(os.fstat(descriptor), output.stat()):
            names.append([path.name for path in output.glob("*.mp4")])

    monkeypatch.setattr(os, "fsync", fsync)
    save(target(output, "clip"), b"clip")
    assert names == [["clip_00001_.mp4"]]


@LINKS
def test_a_link_under_the_final_name_is_not_followed(output: Path, tmp_path: Path):
    (output / "clip_00001_.mp4").symlink_to(tmp_path / "outside.mp4")
    assert save(target(output, "clip"), b"clip").name == "clip_00002_.mp4"
    assert not (tmp_path / "outside.mp4").exists()


def test_threads_that_save_at_once_never_share_a_name(output: Path):
    ready = threading.Barrier(8)
    saved: list[tuple[Path, bytes]] = []

    def work(worker: int) -> None:
        place = target(output, "video/clip")
        ready.wait()
        for n in range(25):
            content = f"{worker} {n}".encode() * 100
            key = hashlib.sha256(content).hexdigest()
            saved.append((save(place, content, key), content))

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({path for path, _ in saved}) == len(saved) == 200
    assert all(path.read_bytes() == content for path, content in saved)
    assert len(list((output / "video").iterdir())) == 200


SAVER = """
import hashlib, importlib.util, sys
from pathlib import Path
pack, output, worker = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
spec = importlib.util.spec_from_file_location("pack", pack / "__init__.py", submodule_search_locations=[str(pack)])
sys.modules["pack"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules["pack"])
from pack.remote_video.clips.output_file import target
place = target(output, "clip")
print("ready", flush=True)
sys.stdin.readline()
for n in range(25):
    content = f"{worker} {n}".encode()
    part = place.part(hashlib.sha256(content).hexdigest())
    part.write_bytes(content)
    final = place.publish(part)
    part.unlink(missing_ok=True)
    print(final.name, worker, n, flush=True)
"""


def test_processes_that_save_at_once_never_share_a_name(output: Path):
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", SAVER, str(PACK), str(output)]
    savers = [subprocess.Popen([*command, str(n)], stdin=pipe, stdout=pipe, text=True) for n in range(4)]
    for saver in savers:
        assert saver.stdout and saver.stdout.readline() == "ready\n"
    for saver in savers:
        assert saver.stdin
        print(file=saver.stdin, flush=True)
    lines = [line.split() for saver in savers for line in saver.communicate()[0].splitlines()]
    assert [saver.returncode for saver in savers] == [0] * 4
    assert len({name for name, _, _ in lines}) == len(lines) == 100
    assert all((output / name).read_text() == f"{worker} {n}" for name, worker, n in lines)


def test_without_hard_links_a_name_is_reserved_first(output: Path, monkeypatch: pytest.MonkeyPatch):
    """As on exFAT: nothing here can make such a file system, so the system call itself says no."""

    def refuse(*names: object, **how: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    place = target(output, "clip")
    assert [save(place, b"first").name, save(place, b"second").name] == ["clip_00001_.mp4", "clip_00002_.mp4"]
    assert (output / "clip_00001_.mp4").read_bytes() == b"first"


def test_a_name_that_cannot_be_given_leaves_no_empty_clip_behind(output: Path):
    """A player would find a file of no bytes under the clip's name."""
    with pytest.raises(FileNotFoundError):
        target(output, "clip").publish(output / "not there.part")
    assert list(output.iterdir()) == []


@LINKS
def test_a_run_that_died_after_naming_the_clip_is_not_repeated(output: Path):
    place = target(output, "clip")
    part = place.part(KEY)
    part.write_bytes(b"clip")
    first = place.publish(part)
    assert place.published_before(part) == first
    assert place.publish(part) == first
    assert [path.name for path in output.glob("*.mp4")] == [first.name]


def test_two_jobs_never_share_a_partial_file(output: Path):
    place = target(output, "clip")
    assert place.part("a" * 64) != place.part("b" * 64)
    assert place.part(KEY).suffix == ".part"
