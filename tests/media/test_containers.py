"""Only containers are opened, by name: a file that names other files or addresses is refused before it is followed."""

from __future__ import annotations

import socket

import pytest
from remote_video_pack.remote_video.errors import MediaError
from remote_video_pack.remote_video.media.clip import Clip

from .clips import moving_picture, write_clip

PICTURES = [moving_picture(i, 64, 48) for i in range(3)]
DASH = """<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S" profiles="x">
<Period><AdaptationSet mimeType="video/mp4"><Representation id="0" bandwidth="1" codecs="avc1.64001f">
<BaseURL>{url}</BaseURL></Representation></AdaptationSet></Period></MPD>"""
HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize("script", ["ffconcat version 1.0\nfile other.mp4\n", HLS.format(url="other.mp4")])
def test_a_script_that_names_another_file_is_no_clip(tmp_path, script):
    write_clip(tmp_path / "other.mp4", PICTURES)
    clip = tmp_path / "clip.mp4"
    clip.write_text(script, encoding="utf-8")
    with pytest.raises(MediaError, match=r"clip\.mp4"):
        Clip.open(clip)


@pytest.mark.parametrize("script", [DASH, HLS])
def test_no_address_in_a_file_is_asked(tmp_path, script):
    clip = tmp_path / "clip.mp4"
    with socket.create_server(("127.0.0.1", 0)) as server:
        clip.write_text(script.format(url=f"http://127.0.0.1:{server.getsockname()[1]}/a.mp4"), encoding="utf-8")
        with pytest.raises(MediaError):
            Clip.open(clip)
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv", "webm", "avi", "ts"])
def test_the_containers_clips_come_in_are_opened(tmp_path, ending):
    codec = "libvpx-vp9" if ending == "webm" else "libx264"
    assert len(Clip.open(write_clip(tmp_path / f"a:b#c.{ending}", PICTURES, codec=codec)).frames()) == 3
