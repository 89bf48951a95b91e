"""`make demo` shows what the pack promises: five clips, and nothing submitted the second time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import av
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
NODES = ["Veo3I2V", "RunwayGen3Turbo", "Kling3I2V", "Dreamina3Pro", "CometVeo"]


def run_demo(output: Path) -> str:
    command = [sys.executable, str(ROOT / "demo"), "--short-clips", "--output", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_demo_makes_five_clips_and_then_none(tmp_path: Path) -> None:
    first_words = run_demo(tmp_path)
    first = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert "5 jobs were submitted" in first_words
    assert [line["node"] for line in first["nodes"]] == NODES
    for line in first["nodes"]:
        with av.open(str(tmp_path / line["file"])) as clip:
            video = clip.streams.video[0]
            count = sum(1 for _ in clip.decode(video))
            assert line["frames_shape"] == [count, video.height, video.width, 3]
    with Image.open(tmp_path / "contact_sheet.png") as sheet:
        assert sheet.width > sheet.height > 600

    second_words = run_demo(tmp_path)
    second = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert "Nothing was submitted" in second_words
    assert second["submitted"] == 0
    assert [line["request_id"] for line in second["nodes"]] == [line["request_id"] for line in first["nodes"]]
    assert len(list(tmp_path.glob("*.mp4"))) == 5
