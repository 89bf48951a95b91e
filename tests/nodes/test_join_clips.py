"""Join Clips: what is wired becomes a film that is handed on as a clip is; nothing is asked of any provider."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from comfy.model_management import InterruptProcessingException, interrupt_current_processing
from comfy_api.latest import InputImpl, Types
from comfy_execution.graph_utils import ExecutionBlocker
from remote_video_pack.nodes.asker import NodeAsker
from remote_video_pack.nodes.join_clips import JoinClips
from remote_video_pack.remote_video.errors import InputRefused, MediaError

from ..media.clips import moving_picture, tone, write_clip
from .test_hanging_decoder import SOON_S, libav

__all__ = ["libav"]

COUNT, WIDTH, HEIGHT = 24, 64, 48
FRAMES, PATH, VIDEO, AUDIO, LAST_FRAME, FPS = range(6)
ALL = dict.fromkeys((FRAMES, AUDIO, LAST_FRAME), "PreviewAny")


@pytest.fixture
def clips(tmp_path) -> list[Path]:
    sound = tone(COUNT / 24, 44100, 2)
    return [
        write_clip(
            tmp_path / f"{n}.mp4",
            [moving_picture(9 * n + k, WIDTH, HEIGHT) for k in range(COUNT)],
            sound=sound,
            sound_rate=44100,
        )
        for n in range(3)
    ]


def wired(*files: Path) -> dict[str, list]:
    """Each in a socket of its own, as ComfyUI hands them to a node that takes lists."""
    return {f"clip_{n}": [InputImpl.VideoFromFile(str(file))] for n, file in enumerate(files)}


def settings(**values) -> dict[str, list]:
    return {name: [value] for name, value in values.items()}


async def test_three_clips_become_one_film_with_all_its_outputs(comfy, clips):
    output = await comfy.run(JoinClips, ALL, clips=wired(*clips))
    film = Path(output[PATH])
    assert film == comfy.output / "video" / "JoinClips_00001_.mp4"
    assert output[FRAMES].shape == (3 * COUNT, HEIGHT, WIDTH, 3)
    assert output[AUDIO]["waveform"].shape[2] == pytest.approx(3 * 44100, abs=1100)
    assert torch.equal(output[LAST_FRAME][0], output[FRAMES][-1])
    assert (output[FPS], len(output.result)) == (24, 6)
    assert output.ui.as_dict()["images"][0]["filename"] == film.name
    assert film.with_suffix(".json").exists()


async def test_what_nobody_listens_to_is_not_decoded(comfy, clips):
    output = await comfy.run(JoinClips, clips=wired(*clips))
    assert all(isinstance(output[slot], ExecutionBlocker) for slot in ALL)
    assert Path(output[PATH]).exists()


async def test_lists_and_sockets_are_joined_in_order(comfy, clips):
    one, two, three = (InputImpl.VideoFromFile(str(file)) for file in clips)
    by_list = await comfy.run(JoinClips, ALL, clips={"clip_0": [one, two, three]})
    mixed = await comfy.run(
        JoinClips, ALL, clips={"clip_10": [three], "clip_2": [one, two], "clip_3": [None]}, filename_prefix=["other"]
    )
    assert torch.equal(by_list[FRAMES], mixed[FRAMES])
    assert mixed[PATH] != by_list[PATH]


async def test_a_video_in_memory_and_frames_are_joined_as_files_are(comfy, clips):
    images = torch.stack([torch.full((HEIGHT, WIDTH, 3), level) for level in torch.linspace(0.2, 0.8, COUNT)])
    red = images * torch.tensor([1.0, 0.3, 0.3])
    audio = {"waveform": torch.from_numpy(tone(1, 48000, 1))[None], "sample_rate": 48000}
    made = InputImpl.VideoFromComponents(Types.VideoComponents(images=red, frame_rate=Fraction(24), audio=audio))
    videos = {"clip_0": [InputImpl.VideoFromFile(BytesIO(clips[0].read_bytes()))], "clip_1": [made]}
    output = await comfy.run(JoinClips, ALL, clips=videos)
    assert output[FRAMES].shape[0] == 2 * COUNT
    sound, rate = output[AUDIO]["waveform"], output[AUDIO]["sample_rate"]
    assert sound[..., rate + rate // 4 : 2 * rate - rate // 4].abs().max() > 0.1, "it keeps its sound"
    assert torch.allclose(output[FRAMES][COUNT:].mean((1, 2)), red.mean((1, 2)), atol=0.012)
    assert list((comfy.output.parent / "temp").glob("*")) == []


async def test_a_video_that_was_cut_is_joined_as_it_was_cut(comfy, clips):
    class Trimmed(InputImpl.VideoFromFile):
        def get_active_trim_window(self):
            return 0.25, 0.5

    cut = Trimmed(str(clips[0]))
    output = await comfy.run(JoinClips, ALL, clips={"clip_0": [cut, InputImpl.VideoFromFile(str(clips[1]))]})
    assert output[FRAMES].shape[0] == COUNT // 2 + COUNT


async def test_the_settings_shape_the_film(comfy, clips):
    chosen = settings(
        transition="crossfade",
        transition_s=0.25,
        size="own",
        width=80,
        height=60,
        fit="pad",
        fps="own",
        own_fps=12.0,
        audio="none",
        filename_prefix="films/one.mp4",
    )
    output = await comfy.run(JoinClips, ALL, clips=wired(*clips), **chosen)
    assert output[FRAMES].shape == (36 - 6, 60, 80, 3)
    assert (output[FPS], Path(output[PATH])) == (12, comfy.output / "films" / "one.mp4")
    assert np.abs(output[AUDIO]["waveform"].numpy()).max() == 0


async def test_the_node_says_what_it_does_with_a_bar_and_what_came_of_it(comfy, clips):
    await comfy.run(JoinClips, clips=wired(*clips), **settings(transition="crossfade", transition_s=0.2))
    words = [told["words"] for told in comfy.told]
    assert "looking at 3 clips" in words
    assert "encoding a film of 3 clips" in words
    shares = [told["progress"] for told in comfy.told if told["progress"] is not None]
    assert shares == sorted(shares)
    last = comfy.told[-1]
    assert (last["phase"], last["is_over"], last["file"]) == ("made", True, "JoinClips_00001_.mp4")
    assert last["text"] == last["words"] == "JoinClips_00001_.mp4: 3 clips"
    assert last["notices"] == ["Encoded anew, visually lossless: they fade into each other."]
    await comfy.run(JoinClips, clips=wired(*clips), **settings(transition="crossfade", transition_s=0.2))
    assert comfy.told[-1]["notices"] == ["Joined before: read from disk, not made again."]


async def test_one_clip_alone_is_refused_on_the_node(comfy, clips):
    with pytest.raises(InputRefused, match="there are 1"):
        await comfy.run(JoinClips, clips=wired(clips[0]))
    assert comfy.told[-1]["phase"] == "error"
    with pytest.raises(InputRefused, match="Clip 2 is a str") as refused:
        await comfy.run(JoinClips, clips={"clip_0": [*wired(clips[0])["clip_0"], "a word"]})
    assert refused.value.next_step == "Wire a VIDEO to `clips`."


async def test_a_clip_that_vanished_is_named_by_its_place(comfy, clips):
    videos = wired(*clips)
    clips[1].unlink()
    with pytest.raises(MediaError, match=r"clip 2 \(1.mp4\)"):
        await comfy.run(JoinClips, clips=videos)
    assert not list(comfy.output.rglob("*.part"))


async def test_stop_ends_it_and_nothing_is_left(comfy, tmp_path, monkeypatch):
    long = write_clip(
        tmp_path / "long.mp4",
        [moving_picture(n, 320, 240) for n in range(200)],
        size=(320, 240),
        options={"preset": "ultrafast"},
    )
    works = NodeAsker.works

    def stop_in_the_middle(self, words, progress=None):
        works(self, words, progress)
        if progress:
            interrupt_current_processing(True)

    monkeypatch.setattr(NodeAsker, "works", stop_in_the_middle)
    with pytest.raises(InterruptProcessingException):
        await comfy.run(JoinClips, clips=wired(long, long), **settings(transition="crossfade"))
    told = comfy.told[-1]
    assert (told["phase"], told["is_over"]) == ("over", True)
    assert told["words"] == "The run ended before this film was joined. Nothing is left of it."
    await _quiet(comfy.output)
    assert not [path for path in comfy.output.rglob("*") if path.is_file()]


async def test_stop_lets_go_of_a_join_that_hangs_and_the_next_one_is_made(comfy, clips, libav):
    running = asyncio.create_task(comfy.run(JoinClips, clips=wired(*clips)))
    assert await asyncio.to_thread(libav.hangs.wait, SOON_S)
    interrupt_current_processing(True)
    with pytest.raises(InterruptProcessingException):
        await asyncio.wait_for(running, SOON_S)
    interrupt_current_processing(False)
    film = await asyncio.wait_for(comfy.run(JoinClips, clips=wired(*clips[:2])), SOON_S)
    assert Path(film[PATH]).is_file()


async def _quiet(folder: Path) -> None:
    for _ in range(200):
        if not list(folder.rglob(".*part")):
            return
        await asyncio.sleep(0.05)


def test_where_nobody_can_tell_who_listens_a_film_is_another_result(comfy):
    assert JoinClips.fingerprint_inputs() not in (comfy.fingerprint(JoinClips), comfy.fingerprint(JoinClips, ALL))


def test_a_deleted_film_makes_the_cached_result_count_no_more(comfy, clips):
    before = comfy.fingerprint(JoinClips)
    output = asyncio.run(comfy.run(JoinClips, clips=wired(*clips)))
    assert comfy.fingerprint(JoinClips) == before
    Path(output[PATH]).unlink()
    assert comfy.fingerprint(JoinClips) != before
