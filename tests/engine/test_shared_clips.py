"""A clip store: what one machine saved is on every other without its provider, and its trouble is nobody's fault."""

from __future__ import annotations

import hashlib
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import pytest
from remote_video_pack.remote_video.clips.shared_store import StoreTrouble
from remote_video_pack.remote_video.clips.store_folder import FolderObjects
from remote_video_pack.remote_video.errors import JobExpired, RemoteVideoError, SettingsError
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State
from remote_video_pack.remote_video.ledger.record import JobRecord

from ..fault_proxy import FaultProxy
from ..faults import Sandbox
from ..s3_server import KEY_ID, SECRET, s3_server
from .one_job import HURRY, QUICK, SOON_S, Setup, wait_until

LIMITS = replace(HURRY, store_connect=5.0, store_request=5.0, store_answer=5.0, store_pause=0.05, store_pass=0.2)


@dataclass
class Machine(Setup):
    """A machine with a disk of its own, and the ledger of all."""

    @property
    def ledger(self) -> Ledger:
        return Ledger.of(self.settings)

    @property
    def record(self) -> JobRecord:
        (record,) = self.ledger.recent()
        return record

    def is_shared(self) -> bool:
        return all(record.shared_in for record in self.ledger.recent())


@pytest.fixture
def nas(tmp_path: Path) -> Path:
    folder = tmp_path / "nas"
    folder.mkdir()
    return folder


@pytest.fixture
def machines(
    tmp_path: Path, small_mp4: bytes, keys: None, nas: Path, postgres_url: str
) -> Iterator[Callable[..., Machine]]:
    """Makes machines that share a ledger and a clip store."""
    made: list[Machine] = []

    def machine(name: str, url: str = nas.as_uri(), **more: object) -> Machine:
        settings = {"host": name, "clips_url": url, "ledger_url": postgres_url, **more}
        made.append(Machine(sandbox, tmp_path / name, timeouts=LIMITS, more=settings))
        return made[-1]

    with Sandbox(tmp_path / "sandbox", pace=QUICK, prebuilt=small_mp4) as sandbox:
        yield machine
        sandbox.faults.clear()
        for one in made:
            one.close()


@pytest.fixture
def pair(machines: Callable[..., Machine]) -> tuple[Machine, Machine]:
    return machines("a"), machines("b")


def objects(nas: Path) -> list[Path]:
    return sorted(path for path in nas.rglob("*") if path.is_file() and path.suffix != ".part")


def shared_clip(machine: Machine, **job: object) -> Path:
    """A clip that is saved here and in the store."""
    path = machine.run_now(**job).path
    wait_until(machine.is_shared, "the clip to be in the store")
    return path


def test_one_machine_pays_and_the_other_has_the_clip_from_the_store(pair, nas, small_mp4):
    a, b = pair
    first = shared_clip(a)
    digest = hashlib.sha256(small_mp4).hexdigest()
    assert objects(nas) == [nas / digest[:2] / digest]
    downloads = len(a.calls("media"))
    second = b.run_now()
    assert second.reused and second.path.is_relative_to(b.output.resolve())
    assert first.read_bytes() == second.path.read_bytes() == small_mp4
    assert (a.posts, len(a.calls("media"))) == (1, downloads)
    assert a.leftovers() == b.leftovers() == []


def test_machines_that_run_in_turns_find_their_own_files_and_write_nothing(pair, nas, monkeypatch):
    a, b = pair
    (b.output / "video").mkdir(parents=True)
    (b.output / "video" / "clip_00001_.mp4").write_bytes(b"x" * len(shared_clip(a).read_bytes()))
    before, paths = a.record, set()
    assert b.run_now().path.name == "clip_00002_.mp4", "a file of that name and size is another one"
    objects(nas)[0].unlink()
    b.sandbox.faults.set("media", "media-404")
    for _ in range(3):
        paths |= {a.run_now().path, b.run_now().path}
    assert len(paths) == 2
    assert a.record == before
    assert a.posts == 1

    def fence() -> int:
        wait_until(lambda: b.ledger.holder(before.key) is None, "the job to be nobody's")
        lease = b.ledger.acquire(before.key, "a test's")
        b.ledger.release(lease)
        return lease.fence

    first = fence()
    b.run_now()
    assert fence() == first + 1, "a copy is read without a lease"


def test_a_copy_is_found_again_where_another_prefix_is_asked_for(pair, nas):
    a, b = pair
    shared_clip(a)
    copy = b.run_now().path
    objects(nas)[0].unlink()
    b.sandbox.faults.set("media", "media-404")
    assert b.run_now(prefix="other/name").path == copy
    assert a.run_now(prefix="other/name").path == a.clips()[0]


def test_a_machine_whose_clip_was_deleted_has_it_from_the_store(pair):
    a, _ = pair
    path = shared_clip(a)
    content = path.read_bytes()
    path.unlink()
    downloads = len(a.calls("media"))
    assert a.run_now().path.read_bytes() == content
    assert (a.posts, len(a.calls("media"))) == (1, downloads)
    assert a.record.state is State.STORED


def test_what_else_a_job_made_is_shared_with_it(pair, nas):
    a, b = pair
    a.sandbox.faults.set("runcomfy/result", "variant-more-files")
    first = a.run_now()
    wait_until(a.is_shared, "all of it to be in the store")
    assert len(objects(nas)) == 3
    a.sandbox.faults.set("media", "media-404")
    (b.output / "video").mkdir(parents=True)
    (b.output / "video" / "clip_00001_.mp4").write_bytes(b"somebody's")
    second = b.run_now()
    contents = [[path.read_bytes() for path in (clip.path, *clip.others)] for clip in (first, second)]
    assert contents[0] == contents[1]
    assert [path.name for path in second.others] == ["clip_00002_-2.mp4", "clip_00002_-3.png"]
    nas.rename(nas.with_name("away"))
    assert b.run_now() == second, "what is here is found again"
    assert a.posts == 1
    assert a.record.path == "video/clip_00001_.mp4"


def test_the_panel_can_have_a_clip_from_the_store(pair, small_mp4):
    a, b = pair
    shared_clip(a)
    b.sandbox.faults.set("media", "media-404")
    assert b.engine.fetch(a.record.key).result(20)
    wait_until(b.clips, "the clip")
    assert b.clips()[0].read_bytes() == small_mp4


def test_an_expired_job_whose_clip_is_in_the_store_comes_back(pair, nas):
    a, b = pair
    path = shared_clip(a)
    away = nas.rename(nas.with_name("away"))
    path.unlink()
    a.sandbox.faults.set("runcomfy/status", "error-404001")
    with pytest.raises(JobExpired):
        a.run_now()
    away.rename(nas)
    time.sleep(LIMITS.store_pause)
    assert b.run_now().path.exists()
    assert (a.record.state, a.record.saved_on, a.posts) == (State.STORED, "b", 1)


def test_a_clip_that_was_put_back_is_found_though_its_job_has_expired(machines):
    a = machines("a", url="")
    path = a.run_now().path
    kept = path.rename(path.with_name("kept"))
    a.sandbox.faults.set("runcomfy/status", "error-404001")
    with pytest.raises(JobExpired):
        a.run_now()
    kept.rename(path)
    assert a.run_now().path == path
    assert (a.record.state, a.posts) == (State.STORED, 1)


# -- trouble ----------------------------------------------------------------------------------------------------------


def test_a_store_that_is_away_costs_nothing_and_is_made_up_for(machines, nas, caplog):
    away = nas.rename(nas.with_name("away"))
    a = machines("a")
    with caplog.at_level(logging.INFO, "remote_video"):
        clips = [a.run_now(seed=seed).path for seed in (1, 2)]
        wait_until(lambda: "clip store can't be used" in caplog.text, "it to be said")
        time.sleep(5 * LIMITS.store_pause)
        assert caplog.text.count("clip store can't be used") == 1, "said once"
        assert not a.is_shared() and all(clip.exists() for clip in clips)
        away.rename(nas)
        wait_until(a.is_shared, "it to be made up for")
        wait_until(lambda: "works again" in caplog.text, "that to be said")
    assert {path.name for path in objects(nas)} == {hashlib.sha256(clip.read_bytes()).hexdigest() for clip in clips}


def test_clips_of_before_the_store_are_put_there_those_that_are_here(tmp_path, machines, nas):
    before = machines("a", url="")
    kept, gone = before.run_now(seed=1), before.run_now(seed=2)
    gone.path.write_bytes(b"somebody's own")
    before.close()
    a = machines("a")
    a.engine.start()
    wait_until(lambda: objects(nas), "it to be put there")
    wait_until(lambda: sum(record.shared_in is not None for record in a.ledger.recent()) == 1, "it to be noted")
    assert [path.read_bytes() for path in objects(nas)] == [kept.path.read_bytes()]


def test_another_machines_clips_are_left_to_it(machines, nas):
    a = machines("a", url="")
    a.run_now()
    b = machines("b")
    b.engine.start()
    time.sleep(3 * LIMITS.store_pass)
    assert objects(nas) == [] and not a.is_shared()


def test_with_the_store_away_the_provider_is_asked(pair, nas, small_mp4, caplog):
    a, b = pair
    shared_clip(a)
    a.close()
    nas.rename(nas.with_name("away"))
    downloads = len(b.calls("media"))
    assert b.run_now().path.read_bytes() == small_mp4
    assert (b.posts, len(b.calls("media"))) == (1, downloads + 1)
    assert "clip store can't be used" in caplog.text


@pytest.mark.parametrize("wrong", [b"", b"half of it", None], ids=["empty", "truncated", "other bytes"])
def test_a_wrong_object_is_found_by_its_hash_said_and_replaced(pair, nas, small_mp4, caplog, wrong):
    a, b = pair
    shared_clip(a)
    (stored,) = objects(nas)
    stored.write_bytes(small_mp4[::-1] if wrong is None else wrong)
    clip = b.run_now()
    assert clip.path.read_bytes() == small_mp4
    wait_until(lambda: "clip store has something else" in caplog.text, "the wrong object to be said")
    wait_until(lambda: stored.exists() and stored.read_bytes() == small_mp4, "the right bytes to be put there")
    assert a.posts == 1 and b.leftovers() == []


def test_the_machine_that_has_the_clip_replaces_a_wrong_object_where_the_provider_has_it_no_more(pair, nas, small_mp4):
    a, b = pair
    shared_clip(a)
    a.close()
    (stored,) = objects(nas)
    stored.write_bytes(small_mp4[::-1])
    b.sandbox.faults.set("media", "media-404")
    with pytest.raises(RemoteVideoError):
        b.run_now()
    a.run_now()
    wait_until(lambda: stored.exists() and stored.read_bytes() == small_mp4, "the right bytes to be put there")
    assert b.run_now().path.read_bytes() == small_mp4
    assert a.posts == 1


def test_a_wrong_object_that_may_not_be_deleted_is_written_over(pair, nas, small_mp4, monkeypatch):
    a, b = pair
    shared_clip(a)
    (stored,) = objects(nas)
    stored.write_bytes(small_mp4[::-1])

    def refused(store: FolderObjects, name: str) -> None:
        raise StoreTrouble("nothing may be deleted")

    monkeypatch.setattr(FolderObjects, "delete", refused)
    assert b.run_now().path.read_bytes() == small_mp4
    wait_until(lambda: stored.read_bytes() == small_mp4, "the right bytes to be put there")


def test_what_was_deleted_here_and_there_is_brought_home_and_put_there_again(pair, nas, small_mp4):
    a, _ = pair
    shared_clip(a).unlink()
    objects(nas)[0].unlink()
    assert a.run_now().path.read_bytes() == small_mp4
    wait_until(lambda: objects(nas), "it to be put there again")
    assert a.posts == 1


@pytest.mark.parametrize("trouble", ["no such option", "no package"])
def test_a_store_that_can_t_be_is_said_before_anything_is_paid_and_takes_no_clip_away(
    machines, monkeypatch, caplog, trouble
):
    before, secret = machines("a", url="").run_now(), quote(SECRET, safe="")
    option, says = ("?nonsense=1", "nonsense") if trouble == "no such option" else ("", "obstore is not installed")
    if trouble == "no package":
        monkeypatch.setitem(sys.modules, "obstore", None)
    a = machines("a", url=f"s3://{KEY_ID}:{secret}@clips{option}")
    with pytest.raises(SettingsError, match=says) as told:
        a.run_now(seed=2)
    assert "Not billed" in str(told.value)
    assert (a.run_now().path, a.posts) == (before.path, 1)
    said = caplog.text + str(told.value)
    assert SECRET not in said and secret not in said


# -- a bucket ---------------------------------------------------------------------------------------------------------


def test_a_bucket_does_as_a_folder_and_no_key_gets_into_ledger_or_log(machines, small_mp4, caplog):
    caplog.set_level(logging.DEBUG, "remote_video")
    with s3_server() as s3:
        s3.make("kept")
        secret = quote(SECRET, safe="")
        url = f"s3://{KEY_ID}:{secret}@kept/setup?endpoint={s3.endpoint}"
        a, b = machines("a", url=url), machines("b", url=url)
        shared_clip(a)
        digest = hashlib.sha256(small_mp4).hexdigest()
        assert s3.objects("kept") == {f"setup/{digest[:2]}/{digest}": small_mp4}
        b.sandbox.faults.set("media", "media-404")
        assert b.run_now().path.read_bytes() == small_mp4
        assert a.record.shared_in == f"s3://kept/setup?endpoint={s3.endpoint}"
    said = "".join(record.getMessage() for record in caplog.records if record.name.startswith("remote_video"))
    for hidden in (SECRET, secret, KEY_ID):
        assert hidden not in said + repr(a.settings) + repr(a.record)


def test_a_store_that_swallows_what_is_sent_holds_up_no_job_and_no_end(machines, small_mp4):
    with s3_server() as s3, FaultProxy(s3.port) as proxy:
        s3.make("hung")
        url = f"s3://{KEY_ID}:{quote(SECRET, safe='')}@hung?endpoint=http://127.0.0.1:{proxy.port}"
        a, b = machines("a", url=url), machines("b", url=url)
        b.timeouts = replace(LIMITS, store_request=SOON_S)
        shared_clip(a)
        proxy.swallow()
        assert b.run_now().path.read_bytes() == small_mp4, "the provider is asked"
        clips = [b.run_now(seed=seed).path for seed in range(2, 6)]
        assert all(clip.read_bytes() for clip in clips)
        wait_until(lambda: b.engine.pools.sharing._unfinished, "an upload to hang")
        engine = b.engine
        assert engine.pools.store._left, "nobody waits for its answer any more"
        b.close()
        assert not engine.is_alive()
        proxy.heal()
        b.engine.start()
        wait_until(b.is_shared, "it to be made up for")
        assert list(s3.objects("hung").values()) == [small_mp4]


# -- one that dies ----------------------------------------------------------------------------------------------------


def test_a_process_that_is_killed_before_it_shared_its_clip_is_made_up_for_by_the_next(setup, nursery, nas):
    setup = replace(setup, more={"clips_url": nas.as_uri(), "host": "named once"})
    child = nursery.start(setup, hold_at="saved as")
    wait_until(Path(child.job["held"]).exists, "the clip to be saved")
    assert objects(nas) == []
    assert child.kill()
    again = replace(setup, more={"clips_url": nas.as_uri(), "host": "named anew"})
    again.engine.start()
    wait_until(lambda: objects(nas), "the clip to be put there")
    assert objects(nas)[0].read_bytes() == setup.clips()[0].read_bytes()
    wait_until(lambda: Ledger(setup.home).recent()[0].shared_in == nas.as_uri(), "that to be noted")
    assert setup.posts == 1


@pytest.mark.skipif(os.name == "nt", reason="a folder of Windows is written to by its owner whatever its mode")
def test_a_full_disk_is_said_as_ever_and_the_provider_is_not_asked(pair, monkeypatch):
    a, b = pair
    shared_clip(a)
    downloads = len(b.calls("media"))

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched, pytest.raises(RemoteVideoError, match="The disk is full"):
        patched.setattr(os, "fsync", full)
        b.run_now()
    assert len(b.calls("media")) == downloads
    assert b.run_now().path.exists()
    assert a.posts == 1 and b.leftovers() == []
