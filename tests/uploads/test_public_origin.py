"""With a public origin the provider fetches the file from this machine, and only while the job lasts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from remote_video_pack.remote_video.errors import UploadError
from remote_video_pack.remote_video.uploads import PublicOrigin

from ..comfy_view import serving_view


@pytest.fixture
def view(tmp_path: Path) -> Iterator[str]:
    """The origin of a server that shows what is in the temp folder."""
    with serving_view(tmp_path) as origin:
        yield origin


def test_the_provider_can_fetch_it_until_it_is_discarded(view: str, tmp_path: Path) -> None:
    upload = PublicOrigin(view, tmp_path, "remote-video")
    urls = [upload.url_for(b"first", "image/png"), upload.url_for(b"last", "image/jpeg")]
    assert [requests.get(url, timeout=10).content for url in urls] == [b"first", b"last"]
    upload.discard()
    assert [requests.get(url, timeout=10).status_code for url in urls] == [404, 404]
    upload.discard()


def test_nobody_can_guess_the_name(tmp_path: Path) -> None:
    upload = PublicOrigin("https://host.example", tmp_path, "remote-video")
    names = [parse_qs(urlsplit(upload.url_for(b"same", "video/mp4")).query)["filename"][0] for _ in range(20)]
    assert len(set(names)) == 20
    assert all(name.endswith(".mp4") and len(name) >= 64 for name in names)


def test_what_another_run_left_is_removed_by_its_name_and_nothing_else_is(
    view: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    left, other = PublicOrigin(view, tmp_path, "remote-video"), PublicOrigin(view, tmp_path, "remote-video")
    first, second = left.url_for(b"first", "image/png"), other.url_for(b"of another job", "image/png")
    later = PublicOrigin(view, tmp_path, "remote-video")
    later.adopt(list(left.names))
    assert later.names == left.names
    later.discard()
    assert [requests.get(url, timeout=10).status_code for url in (first, second)] == [404, 200]
    assert later.names == ()
    left.discard()  # it is gone already, which is no trouble
    assert not caplog.records


def test_a_file_that_can_not_be_removed_is_named_and_the_others_go(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    upload = PublicOrigin("https://host.example", tmp_path, "remote-video")
    for data in (b"first", b"last"):
        upload.url_for(data, "image/png")
    stubborn, other = (tmp_path / "remote-video" / name for name in upload.names)
    stubborn.unlink()
    stubborn.mkdir()
    upload.discard()
    assert not other.exists() and str(stubborn) in caplog.text


def test_an_origin_with_a_path_keeps_it(tmp_path: Path) -> None:
    url = PublicOrigin("https://host.example/session/7/", tmp_path, "remote-video").url_for(b"", "image/png")
    assert url.startswith("https://host.example/session/7/view?filename=")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "remote-video").write_bytes(b"a file where the folder should be")
    with pytest.raises(UploadError, match="remote-video") as caught:
        PublicOrigin("https://host.example", tmp_path, "remote-video").url_for(b"", "image/png")
    assert "Not billed" in str(caught.value) and "writable" in caught.value.next_step
