"""An error of decoding says what to do at the node: which wire to take away, what to set."""

from __future__ import annotations

from pathlib import Path

import pytest
from remote_video_pack.nodes.outputs import AUDIO, FRAMES, LAST_FRAME, read_outputs
from remote_video_pack.remote_video.errors import MediaError, NotEnoughMemory, SizeChanges
from remote_video_pack.remote_video.media import frames as decoding
from remote_video_pack.remote_video.media import sound

from ..media.clips import moving_picture, write_clip


def read(path: Path, output: int) -> tuple:
    return read_outputs(path, "an-id", frozenset({output}), 0, lambda warning: None, lambda: None)


@pytest.fixture
def cut_short(tmp_path, small_clip) -> Path:
    path = tmp_path / "clip.mp4"
    media = small_clip.index(b"mdat")
    kept = media + (len(small_clip) - media) // 2
    path.write_bytes(small_clip[:kept] if small_clip.index(b"moov") < media else _moov_first(tmp_path, small_clip))
    return path


def _moov_first(folder: Path, clip: bytes) -> bytes:
    """The clip with its index at the head and half of its media."""
    import av

    plain, fast = folder / "plain.mp4", folder / "fast.mp4"
    plain.write_bytes(clip)
    with av.open(str(plain)) as source, av.open(str(fast), "w", options={"movflags": "faststart"}) as out:
        copies = {stream.index: out.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream.index]
                out.mux(packet)
    content = fast.read_bytes()
    media = content.index(b"mdat")
    return content[: media + (len(content) - media) // 2]


@pytest.mark.parametrize(
    ("output", "way"),
    [(FRAMES, "set `max_frames` to {whole}"), (AUDIO, "Unwire `audio`"), (LAST_FRAME, "unwire `last_frame`")],
    ids=["frames", "audio", "last_frame"],
)
def test_a_damaged_clip(cut_short, output, way):
    with pytest.raises(MediaError) as damaged:
        read(cut_short, output)
    assert way.format(whole=damaged.value.whole_frames) in damaged.value.next_step


@pytest.mark.parametrize(
    ("output", "way"),
    [(FRAMES, "Set `max_frames` to 3, or use the `video` output."), (LAST_FRAME, "unwire `last_frame`")],
)
def test_a_clip_whose_picture_changes_its_size(tmp_path, output, way):
    sizes = {"small": (64, 48), "large": (128, 96)}
    files = [
        write_clip(tmp_path / f"{name}.h264", [moving_picture(number, *size) for number in range(3)], size=size)
        for name, size in sizes.items()
    ]
    path = tmp_path / "joined.h264"
    path.write_bytes(b"".join(file.read_bytes() for file in files))
    with pytest.raises(SizeChanges) as changes:
        read(path, output)
    assert way in changes.value.next_step


@pytest.mark.parametrize(
    ("output", "ways"),
    [(FRAMES, ("`max_frames` to 2", "unwire `frames`", "`video` output")), (AUDIO, ("Unwire `audio`",))],
    ids=["frames", "audio"],
)
def test_a_clip_that_does_not_fit_into_the_memory(tmp_path, small_clip, monkeypatch, output, ways):
    path = tmp_path / "clip.mp4"
    path.write_bytes(small_clip)
    one = 320 * 180 * 3 * 4
    free = (decoding.WORKING_FRAMES + 2) * one if output == FRAMES else 1
    monkeypatch.setattr(sound, "_CHECK_EVERY", 1)
    for module in (decoding, sound):
        monkeypatch.setattr(module, "free_bytes", lambda: free)
    with pytest.raises(NotEnoughMemory) as short:
        read(path, output)
    assert all(way in short.value.next_step for way in ways), short.value.next_step
