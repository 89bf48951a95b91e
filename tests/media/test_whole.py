"""Whether a file is all there, and what can be had of one whose picture can't be decoded."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from remote_video_pack.remote_video.errors import MediaError
from remote_video_pack.remote_video.media.clip import Clip
from remote_video_pack.remote_video.media.whole_file import what_is_missing

from .clips import moving_picture, tone, write_clip

PICTURES = [moving_picture(i, 64, 48) for i in range(24)]
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov"}


@pytest.mark.parametrize("after", [b"A" * 300, b"\n", b"<html>bye</html>", b"\x00\x00\x10\x00free", bytes(100)])
@pytest.mark.parametrize("options", [{}, {"movflags": "faststart"}, FRAGMENTS])
def test_bytes_after_the_end_are_no_loss(tmp_path, after, options):
    path = write_clip(tmp_path / "clip.mp4", PICTURES, container_options=options)
    path.write_bytes(path.read_bytes() + after)
    assert what_is_missing(path) == ""
    assert len(Clip.open(path).frames()) == 24


def test_a_fragment_without_its_data_is_a_loss(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", PICTURES, options={"g": "8"}, container_options=FRAGMENTS)
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b"mdat") - 4])
    assert what_is_missing(path)


def test_an_unknown_codec_leaves_the_rest(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", PICTURES, sound=tone(1, 48000, 2))
    path.write_bytes(path.read_bytes().replace(b"avc1", b"xyz1"))
    clip = Clip.open(path)
    assert (clip.info.fps, clip.info.frame_count) == (24.0, 24)
    assert (clip.info.width, clip.info.height) == (0, 0)
    assert clip.audio()["waveform"].any()
    for read in (clip.frames, clip.last_frame):
        with pytest.raises(MediaError, match="codec"):
            read()


def test_a_second_larger_picture_is_not_taken_for_the_first(tmp_path):

    path = tmp_path / "two.mp4"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("libx264", rate=24) for _ in range(2)]
        for stream, size in zip(streams, ((64, 48), (128, 96)), strict=True):
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for stream, size in zip(streams, ((64, 48), (128, 96)), strict=True):
            for index in range(4):
                frame = av.VideoFrame.from_ndarray(moving_picture(index, *size), format="rgb24")
                frame.pts = index
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    assert Clip.open(path).frames().shape == (4, 48, 64, 3)


# -- cut exactly where a piece ends ------------------------------------------------------------------------------------

ON_DEMAND = {"movflags": "frag_keyframe+empty_moov+default_base_moof+dash+global_sidx"}
PIECES = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}


def boxes(content: bytes, at: int = 0) -> Iterator[tuple[bytes, int, int]]:
    """The kind, the begin and the end of each box from there on."""
    while at < len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        yield kind, at, at + size
        at += size


def cuts(content: bytes) -> list[int]:
    """Where a fragment ends and something else that is needed would follow."""
    ends = [end for kind, _, end in boxes(content) if kind == b"mdat"]
    return ends[:-1]


def with_whole_duration(content: bytes, duration: int, delay: int = 0) -> bytes:
    """The same file with a `mehd` box, as packagers write it, and the first track shown so much later (ms)."""
    moov = next(start for kind, start, _ in boxes(content) if kind == b"moov")
    trak = next(start for kind, start, _ in boxes(content, moov + 8) if kind == b"trak")
    mvex = next(start for kind, start, _ in boxes(content, moov + 8) if kind == b"mvex")
    mehd = struct.pack(">I4sII", 16, b"mehd", 0, duration)
    edits = struct.pack(">IIIiIIiI", 0, 2, delay, -1, 65536, duration, 0, 65536)
    elst = struct.pack(">I4s", 8 + len(edits), b"elst") + edits
    edts = struct.pack(">I4s", 8 + len(elst), b"edts") + elst if delay else b""
    new = bytearray(content)
    grown = [(mvex, len(mehd)), (trak, len(edts)), (moov, len(mehd) + len(edts))]
    for start, more in grown:
        struct.pack_into(">I", new, start, struct.unpack_from(">I", content, start)[0] + more)
    new[mvex + 8 : mvex + 8] = mehd
    trak_end = trak + struct.unpack_from(">I", content, trak)[0]
    new[trak_end:trak_end] = edts
    return bytes(new)


def three_pieces(path: Path, options: dict[str, str]) -> bytes:
    sound = tone(1, 48000, 2)
    return write_clip(path, PICTURES, options={"g": "8"}, container_options=options, sound=sound).read_bytes()


def assert_said(path: Path, whole: bytes, cut: int) -> None:
    path.write_bytes(whole)
    assert what_is_missing(path) == "" and len(Clip.open(path).frames()) == 24
    path.write_bytes(whole[:cut])
    clip = Clip.open(path)
    for read in (clip.frames, clip.last_frame, clip.audio):
        with pytest.raises(MediaError, match=r"breaks off|can't be"):
            read()


@pytest.mark.parametrize("which", [0, 1])
def test_a_cut_between_two_fragments_is_seen_by_the_index(tmp_path, which):
    path = tmp_path / "clip.mp4"
    whole = three_pieces(path, ON_DEMAND)
    cut = cuts(whole)[which]
    assert_said(path, whole, cut)
    end = next(start for kind, start, _ in boxes(whole) if kind == b"mfra")
    assert what_is_missing(path) == f"{end - cut:,} bytes"
    path.write_bytes(whole[:end])
    assert what_is_missing(path) == ""


@pytest.mark.parametrize("which", [0, 1])
def test_a_cut_between_two_fragments_is_seen_by_the_whole_duration(tmp_path, which):
    path = tmp_path / "clip.mp4"
    whole = with_whole_duration(three_pieces(path, PIECES), 1000)
    assert_said(path, whole, cuts(whole)[which])
    assert what_is_missing(path) == ("0.3 s", "0.7 s")[which == 0]


def of_64_bits(content: bytes) -> bytes:
    """The same boxes with the numbers of their version 1, as some packagers write them."""
    made = b""
    for kind, start, end in boxes(content):
        inner = content[start + 8 : end]
        if kind in (b"moov", b"trak", b"mdia", b"mvex"):
            inner = of_64_bits(inner)
        elif kind in (b"mvhd", b"mdhd"):
            inner = b"\1" + inner[1:4] + struct.pack(">QQIQ", *struct.unpack_from(">4I", inner, 4)) + inner[20:]
        elif kind == b"tkhd":
            inner = b"\1" + inner[1:4] + struct.pack(">QQIIQ", *struct.unpack_from(">5I", inner, 4)) + inner[24:]
        elif kind == b"mehd":
            inner = b"\1" + inner[1:4] + struct.pack(">Q", *struct.unpack_from(">I", inner, 4))
        made += struct.pack(">I4s", 8 + len(inner), kind) + inner
    return made


@pytest.mark.parametrize("which", [0, 1])
def test_a_cut_is_seen_in_boxes_of_64_bits(tmp_path, which):
    path = tmp_path / "clip.mp4"
    whole = of_64_bits(with_whole_duration(three_pieces(path, PIECES), 1000))
    assert_said(path, whole, cuts(whole)[which])
    assert what_is_missing(path) == ("0.3 s", "0.7 s")[which == 0]


@pytest.mark.parametrize(("duration", "delay"), [(900, 0), (1000, 0), (1150, 0), (1500, 500), (0, 0)])
def test_a_duration_that_is_about_right_keeps_the_clip(tmp_path, duration, delay):
    path = tmp_path / "clip.mp4"
    path.write_bytes(with_whole_duration(three_pieces(path, PIECES), duration, delay))
    assert what_is_missing(path) == ""
    assert len(Clip.open(path).frames()) == 24


def test_a_cut_between_two_fragments_that_say_nothing_can_not_be_seen(tmp_path):
    """The page on reliability says so."""
    path = tmp_path / "clip.mp4"
    whole = three_pieces(path, PIECES)
    path.write_bytes(whole[: cuts(whole)[1]])
    assert what_is_missing(path) == ""
    assert len(Clip.open(path).frames()) == 16


@pytest.mark.parametrize("ending", ["webm", "mkv"])
def test_a_cut_between_two_packets_of_matroska_is_seen(tmp_path, ending):
    path = tmp_path / f"clip.{ending}"
    codec, sound_codec = ("libvpx-vp9", "libopus") if ending == "webm" else ("libx264", "aac")
    sound = tone(1, 48000, 2)
    whole = write_clip(path, PICTURES, codec=codec, sound=sound, sound_codec=sound_codec).read_bytes()
    with av.open(str(path)) as container:
        at = sorted(packet.pos for packet in container.demux() if packet.size)
    assert_said(path, whole, at[len(at) * 3 // 4])
    assert what_is_missing(path) == f"{len(whole) - at[len(at) * 3 // 4]:,} bytes"
    path.write_bytes(whole + b"after the end")
    assert len(Clip.open(path).frames()) == 24


def test_a_matroska_that_was_sent_live_has_no_end_to_be_held_against(tmp_path):
    path = write_clip(tmp_path / "clip.mkv", PICTURES, container_options={"live": "1"})
    assert what_is_missing(path) == ""
    assert len(Clip.open(path).frames()) == 24
