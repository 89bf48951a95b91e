"""Mutated files: frames or an error of ours, never a crash, a hang, or more memory than there is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from counts import count
from remote_video_pack.remote_video.media import clip as clip_module

from .clips import moving_picture, tone, write_clip

CHILDREN = 80 if os.environ.get("REMOTE_VIDEO_SOAK") else 1
MUTANTS_EACH = 500
ENGINE = Path(clip_module.__file__).parent.parent
CHILD = Path(__file__).with_name("decode_mutants.py")
X265 = {"x265-params": "log-level=none", "preset": "ultrafast"}


@pytest.fixture(scope="module")
def bases(tmp_path_factory) -> list[Path]:
    """Whole clips of several makes, to be mutated."""
    folder = tmp_path_factory.mktemp("bases")
    pictures = [moving_picture(i, 64, 48) for i in range(12)]
    sound = tone(0.5, 48000, 2)
    fragments = {"movflags": "frag_keyframe+empty_moov"}
    return [
        write_clip(folder / "plain.mp4", pictures, sound=sound),
        write_clip(folder / "front.mp4", pictures, sound=sound, container_options={"movflags": "faststart"}),
        write_clip(folder / "fragments.mp4", pictures, options={"g": "4"}, container_options=fragments),
        write_clip(folder / "edits.mp4", pictures, pts=range(-3, 9), sound=sound),
        write_clip(folder / "hevc.mp4", pictures, codec="libx265", options=X265),
        write_clip(folder / "part2.mp4", pictures, codec="mpeg4"),
        write_clip(folder / "vp9.mp4", pictures, codec="libvpx-vp9", options={"deadline": "realtime"}),
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="memory limits of a process are enforced on Linux only")
@pytest.mark.timeout(60 + MUTANTS_EACH)
@pytest.mark.parametrize("child", range(CHILDREN))
def test_mutated_clips_end_as_frames_or_as_an_error(tmp_path, bases, child):
    arguments = [str(ENGINE), str(tmp_path), str(child * MUTANTS_EACH), str(MUTANTS_EACH), *map(str, bases)]
    run = subprocess.run(
        [sys.executable, str(CHILD), *arguments], capture_output=True, text=True, check=False, errors="replace"
    )
    lines = [json.loads(line) for line in run.stdout.splitlines() if line.startswith('{"seed"')]
    last_seed = lines[-1]["seed"] if lines else None
    assert run.returncode == 0, f"seed {last_seed} ended the process:\n{run.stderr[-4000:]}"
    results = [line for line in lines if "ends" in line]
    assert len(results) == MUTANTS_EACH
    assert max(result["seconds"] for result in results) < 10
    ends = Counter(result["ends"].get("frames", result["ends"]["open"]) for result in results)
    assert ends["ok"] > MUTANTS_EACH // 5, "most of what is wrong with them can be lived with"
    count("mutated clips decoded or refused", len(results))
    count("mutated clips that still gave frames", ends["ok"])
