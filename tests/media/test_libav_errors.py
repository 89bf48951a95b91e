"""Whatever PyAV raises over what is in a file is one error of ours: its own kinds, and plain ones of older versions."""

from __future__ import annotations

from io import BytesIO

import av
import pytest
from remote_video_pack.remote_video.errors import MediaError
from remote_video_pack.remote_video.media import colours, container
from remote_video_pack.remote_video.media.clip import Clip

from .clips import moving_picture, write_clip

PICTURES = [moving_picture(i, 64, 48) for i in range(6)]
RAISED = [
    PermissionError(1, "Operation not permitted"),
    OSError(95, "Operation not supported"),
    av.error.InvalidDataError(1094995529, "Invalid data found when processing input"),
    ValueError("Conversion is not supported"),
    NotImplementedError("Conversion is not supported"),
    EOFError(541478725, "End of file"),
]


class Unwilling:
    """PyAV's converter, where it can't convert: PyAV 14 says so by a plain PermissionError."""

    raises: Exception

    def reformat(self, *_, **__):
        raise self.raises


@pytest.mark.parametrize("raised", RAISED, ids=repr)
def test_a_picture_that_cannot_be_converted(tmp_path, monkeypatch, raised):
    clip = Clip.open(write_clip(tmp_path / "clip.webm", PICTURES, codec="libvpx-vp9"))
    Unwilling.raises = raised
    monkeypatch.setattr(colours, "VideoReformatter", Unwilling)
    for read in (clip.frames, clip.last_frame):
        with pytest.raises(MediaError, match=r"can't be decoded: .*(not|nvalid|End)") as told:
            read()
        assert told.value.__cause__ is raised and "clip.webm" in told.value.what


def test_a_picture_that_this_pyav_converts_or_not(tmp_path):
    """PyAV 14 can't, 18 can."""
    path = tmp_path / "clip.avi"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("rawvideo", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "uyyvyy411"
        for index in range(3):
            frame = av.VideoFrame(64, 48, "uyyvyy411")
            frame.pts = index
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    clip = Clip.open(path)
    for read in (clip.frames, clip.last_frame):
        try:
            assert read().shape[1:] == (48, 64, 3)
        except MediaError as told:
            assert "can't be decoded" in told.what


@pytest.mark.parametrize("raised", RAISED, ids=repr)
@pytest.mark.parametrize("source", ["path", "bytes"])
def test_a_file_that_cannot_be_opened_or_read(tmp_path, monkeypatch, raised, source):
    path = write_clip(tmp_path / "clip.mp4", PICTURES)
    file = path if source == "path" else BytesIO(path.read_bytes())
    with pytest.raises(MediaError), container.open_media(file):
        raise raised

    def refuse(*_, **__):
        raise raised

    monkeypatch.setattr(av, "open", refuse)
    with pytest.raises(MediaError) as told, container.open_media(file):
        pass
    assert told.value.__cause__ is raised


def test_what_is_no_container_says_which_are(tmp_path):
    """PyAV 14 has no name of its own for this error."""
    path = tmp_path / "clip.mp4"
    path.write_text("ffconcat version 1.0\nfile other.mp4\n", encoding="utf-8")
    with pytest.raises(MediaError, match="in no container that clips come in"):
        Clip.open(path)
