"""A store of clips gives back what was put there or says that it can't, be it a folder or a bucket."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import pytest
from remote_video_pack.remote_video.clips import store_folder
from remote_video_pack.remote_video.clips.shared_store import (
    NotInStore,
    NotTheFile,
    SharedStore,
    StoreTrouble,
    WrongObject,
    open_store,
)
from remote_video_pack.remote_video.errors import SettingsError
from remote_video_pack.remote_video.timeouts import DEFAULT_TIMEOUTS

from ..fault_proxy import FaultProxy
from ..s3_server import KEY_ID, SECRET, S3Server, s3_server

LIMITS = replace(DEFAULT_TIMEOUTS, store_connect=0.5, store_request=1.0)
LARGE = bytes(range(256)) * 4096 * 20
"""20 MB: three pieces."""


@dataclass
class Place:
    """A store, and a way to it past the pack."""

    store: SharedStore
    read: Callable[[str], bytes]
    write: Callable[[str, bytes], None]
    names: Callable[[], list[str]]

    def key(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        return f"{digest[:2]}/{digest}"


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with s3_server() as server:
        server.make("clips")
        yield server


def url_of(endpoint: str, bucket: str = "clips", prefix: str = "", secret: str = SECRET) -> str:
    return f"s3://{KEY_ID}:{quote(secret, safe='')}@{bucket}/{prefix}?endpoint={endpoint}"


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "folder":
        root = tmp_path / "nas"
        root.mkdir()

        def write(key: str, data: bytes) -> None:
            (root / key).write_bytes(data)

        def names() -> list[str]:
            return [path.name for path in root.rglob("*") if path.is_file()]

        return Place(open_store(root.as_uri(), LIMITS), lambda key: (root / key).read_bytes(), write, names)
    s3: S3Server = request.getfixturevalue("s3")
    prefix = tmp_path.name
    return Place(
        open_store(url_of(s3.endpoint, prefix=prefix), LIMITS),
        lambda key: s3.read("clips", f"{prefix}/{key}"),
        lambda key, data: s3.write("clips", f"{prefix}/{key}", data),
        lambda: [key for key in s3.objects("clips") if key.startswith(f"{prefix}/")],
    )


def file_of(folder: Path, data: bytes) -> tuple[str, int, Path]:
    path = folder / "a file"
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest(), len(data), path


def fetched(store: SharedStore, digest: str, size: int) -> bytes:
    into = BytesIO()
    store.fetch(digest, size, into, lambda have: None)
    return into.getvalue()


@pytest.mark.parametrize("data", [b"a small clip", LARGE], ids=["small", "large"])
def test_what_is_put_there_lies_under_its_hash_and_comes_back(place, tmp_path, data):
    digest, size, file = file_of(tmp_path, data)
    assert not place.store.has(digest, size)
    place.store.put(digest, size, file)
    assert place.store.has(digest, size)
    assert place.read(f"{digest[:2]}/{digest}") == data
    assert fetched(place.store, digest, size) == data


def test_what_is_there_is_not_written_over_unless_it_was_proven_wrong(place, tmp_path):
    digest, size, file = file_of(tmp_path, b"the clip")
    place.store.put(digest, size, file)
    place.write(place.key(b"the clip"), b"no clip!")
    place.store.put(digest, size, file)
    assert place.read(place.key(b"the clip")) == b"no clip!", "as large as it should be: nothing is known against it"
    with pytest.raises(WrongObject):
        fetched(place.store, digest, size)
    place.store.put(digest, size, file, replace=True)
    assert fetched(place.store, digest, size) == b"the clip"


def test_an_object_of_another_size_is_wrong_and_is_replaced(place, tmp_path):
    digest, size, file = file_of(tmp_path, b"the clip")
    place.store.put(digest, size, file)
    place.write(place.key(b"the clip"), b"the cl")
    with pytest.raises(WrongObject, match="6 bytes"):
        fetched(place.store, digest, size)
    place.store.put(digest, size, file)
    assert fetched(place.store, digest, size) == b"the clip"


def test_a_file_that_is_another_one_by_now_is_never_put_there(place, tmp_path):
    digest, size, file = file_of(tmp_path, b"the clip")
    for other in (b"no clip!", b"longer than it was"):
        file.write_bytes(other)
        with pytest.raises(NotTheFile):
            place.store.put(digest, size, file)
    file.unlink()
    with pytest.raises(NotTheFile):
        place.store.put(digest, size, file)
    assert not place.store.has(digest, size)


def test_what_was_never_there_is_not_there(place):
    with pytest.raises(NotInStore):
        fetched(place.store, "ab" * 32, 7)


def test_a_probe_leaves_nothing(place, tmp_path):
    assert place.store.probe(tmp_path) == "written, read and deleted"
    assert place.names() == []


@pytest.mark.parametrize("given_back", [[b"of yesterday"], []], ids=["something else", "nothing"])
def test_a_probe_that_does_not_come_back_as_it_was_is_trouble(tmp_path, given_back):
    class Elsewhere(store_folder.FolderObjects):
        """Something in between answers from what it remembers."""

        def pieces(self, name: str, size: int) -> Iterator[bytes]:
            yield from given_back

    with pytest.raises(StoreTrouble, match="something else than was written"):
        SharedStore("a share", Elsewhere(tmp_path)).probe(tmp_path)


# -- a folder ---------------------------------------------------------------------------------------------------------


def test_a_share_that_is_not_mounted_is_trouble_and_is_not_filled(tmp_path):
    store = open_store((tmp_path / "mnt" / "nas").as_uri(), LIMITS)
    digest, size, file = file_of(tmp_path, b"the clip")
    for asked in (lambda: store.has(digest, size), lambda: store.put(digest, size, file, replace=True)):
        with pytest.raises(StoreTrouble, match="not there"):
            asked()
    assert not (tmp_path / "mnt").exists()


def test_a_file_appears_whole_and_nothing_is_left_of_one_that_failed(tmp_path, monkeypatch):
    nas, store = tmp_path / "nas", None
    nas.mkdir()
    store = open_store(nas.as_uri(), LIMITS)
    digest, size, file = file_of(tmp_path, LARGE)
    seen: list[bool] = []

    def full(handle: int) -> None:
        seen.append((nas / digest[:2] / digest).exists())
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreTrouble, match="No space left"):
        store.put(digest, size, file)
    assert seen == [False]
    assert [path for path in nas.rglob("*") if path.is_file()] == []


def test_what_a_killed_process_had_begun_is_cleared_up_a_day_later(tmp_path):
    nas = tmp_path / "nas"
    digest, size, file = file_of(tmp_path, b"the clip")
    folder = nas / digest[:2]
    folder.mkdir(parents=True)
    for name, age in ((".old.part", 90_000), (".new.part", 60)):
        (folder / name).write_bytes(b"half")
        os.utime(folder / name, (time.time() - age,) * 2)
    open_store(nas.as_uri(), LIMITS).put(digest, size, file)
    assert sorted(path.name for path in folder.iterdir()) == [".new.part", digest]


# -- a bucket ---------------------------------------------------------------------------------------------------------


def test_a_bucket_that_is_not_there_is_said(s3, tmp_path):
    store = open_store(url_of(s3.endpoint, bucket="nowhere"), LIMITS)
    with pytest.raises(StoreTrouble, match="NoSuchBucket: The specified bucket does not exist") as caught:
        store.put(*file_of(tmp_path, b"the clip"))
    assert SECRET not in str(caught.value)


def test_keys_that_open_nothing_are_said_and_not_shown(tmp_path):
    """moto looks at no keys unless it is told to, so a server that refuses says what AWS would."""
    from .refusing_s3 import refusing_s3

    with refusing_s3() as endpoint:
        store = open_store(url_of(endpoint), LIMITS)
        for asked in (lambda: store.has("ab" * 32, 7), lambda: store.probe(tmp_path)):
            with pytest.raises(StoreTrouble) as caught:
                asked()
            assert SECRET not in str(caught.value) and KEY_ID not in str(caught.value)
        assert "SignatureDoesNotMatch" in str(caught.value)


def test_a_store_that_swallows_connections_is_given_up_within_its_limits(s3, tmp_path):
    with FaultProxy(s3.port) as proxy:
        store = open_store(url_of(f"http://127.0.0.1:{proxy.port}"), LIMITS)
        digest, size, file = file_of(tmp_path, b"the clip")
        proxy.swallow()
        with pytest.raises(StoreTrouble):
            store.has(digest, size)
        proxy.heal()
        store.put(digest, size, file)
        assert fetched(store, digest, size) == b"the clip"


def test_a_connection_that_is_cut_in_the_middle_is_made_again(s3, tmp_path):
    with FaultProxy(s3.port) as proxy:
        store = open_store(url_of(f"http://127.0.0.1:{proxy.port}"), LIMITS)
        digest, size, file = file_of(tmp_path, LARGE)
        store.put(digest, size, file)
        cut = proxy.cut_after(10_000_000, "down")
        assert fetched(store, digest, size) == LARGE
        assert cut.done.is_set()


def test_without_the_library_the_error_says_what_to_install(s3, monkeypatch):
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(SettingsError, match="obstore is not installed") as caught:
        open_store(url_of(s3.endpoint), LIMITS)
    assert "pip install" in caught.value.next_step


def test_an_option_that_the_library_does_not_know_is_named(s3):
    with pytest.raises(SettingsError, match="'nonsense'") as caught:
        open_store(url_of(s3.endpoint) + "&nonsense=1", LIMITS)
    assert SECRET not in str(caught.value)


def test_a_bucket_without_keys_is_said(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(SettingsError, match="no keys") as caught:
        open_store("s3://clips", LIMITS)
    assert "AWS_ACCESS_KEY_ID" in caught.value.next_step


def test_keys_come_from_where_boto3_finds_them(s3, monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    open_store(f"s3://clips/own?endpoint={s3.endpoint}", LIMITS).probe(tmp_path)
