"""`make demo`: all five nodes on one photograph, side by side, in the sandbox. No key, no cost, no internet.

First every node makes its clip with nothing wired to `frames`. Then each is run again with `frames` wired, as when an
artist adds a wire later: that reads the saved file and submits nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from contact_sheet import Row, moments_of, save_contact_sheet
from host import PACK_FOLDER, DemoHost
from progress import Progress
from shots import Shot, shots

OUTPUT = PACK_FOLDER / "demo_output"
FEW_FRAMES = 24
FRAMES, VIDEO_PATH, FPS, REQUEST_ID = 0, 1, 5, 6


@dataclass(frozen=True)
class Line:
    """What the report says of one node."""

    node: str
    request_id: str
    seconds: float
    """From Run to the saved clip; with `reused`, how long finding it took."""
    reused: bool
    submitted: int
    """Jobs submitted by this run of the demo."""
    frames_shape: list[int]
    fps: float
    bytes: int
    file: str


def main(output: Path, short_clips: bool = False) -> None:
    """Run the demo: everything it writes goes into `output`."""
    logging.basicConfig(level=logging.WARNING, format="  %(message)s")
    home = output / "home"
    _enter_sandbox(home)
    output.mkdir(parents=True, exist_ok=True)
    print("Five nodes, one photograph, side by side in the sandbox:", flush=True)
    asked = shots()
    progress = Progress([shot.node_id for shot in asked])
    host = DemoHost(output, progress.say, progress.percent)
    host.engine("sandbox").shared_sandbox(home / "sandbox", short_clips=short_clips)
    began = time.time()
    made = asyncio.run(_make_clips(host, asked, progress))
    progress.close()
    submitted = _submitted_since(host, home, began)
    lines, rows = [], []
    for shot in asked:
        line, row = _read(host, shot, *made[shot.node_id], submitted.get(made[shot.node_id][1][REQUEST_ID], 0))
        lines.append(line)
        rows.append(row)
    if sum(_submitted_since(host, home, began).values()) != sum(line.submitted for line in lines):
        raise SystemExit("Wiring `frames` submitted a job. That must never happen.")
    save_contact_sheet(rows, "Remote Video: five nodes, one photograph (sandbox)", output / "contact_sheet.png")
    _write_report(lines, output / "report.json")
    _tell(lines, output)


def _enter_sandbox(home: Path) -> None:
    """Leave the user's own settings out of it: the demo must not reach a real provider."""
    for name in list(os.environ):
        if name.startswith("REMOTE_VIDEO_") or name in ("RUNCOMFY_API_BASE_URL", "COMETAPI_BASE_URL"):
            del os.environ[name]
    os.environ["REMOTE_VIDEO_SANDBOX"] = "1"
    os.environ["REMOTE_VIDEO_HOME"] = str(home)


async def _make_clips(
    host: DemoHost, asked: list[Shot], progress: Progress
) -> dict[str, tuple[float, tuple[Any, ...]]]:
    """Run all nodes at once: {node id: (seconds, outputs)}. Nothing is wired, so nothing is decoded."""
    host.wire_frames_of()

    async def one(shot: Shot) -> tuple[str, tuple[float, tuple[Any, ...]]]:
        start = time.monotonic()
        outputs = await host.run(shot.node_id, shot.values)
        seconds = time.monotonic() - start
        progress.done(shot.node_id, f"{Path(outputs[VIDEO_PATH]).name}, {seconds:.1f} s")
        return shot.node_id, (seconds, outputs)

    return dict(await asyncio.gather(*(one(shot) for shot in asked)))


def _read(host: DemoHost, shot: Shot, seconds: float, outputs: tuple[Any, ...], submitted: int) -> tuple[Line, Row]:
    """Run one node again with `frames` wired, and look at what comes."""
    host.wire_frames_of(shot.node_id)
    errors = host.engine("errors")
    try:
        again = asyncio.run(host.run(shot.node_id, shot.values))
    except errors.NotEnoughMemory as shortage:
        print(f"  {shot.node_id}: {shortage.what} Only its first {FEW_FRAMES} frames are shown.")
        again = asyncio.run(host.run(shot.node_id, {**shot.values, "max_frames": FEW_FRAMES}))
    if again[REQUEST_ID] != outputs[REQUEST_ID] or again[VIDEO_PATH] != outputs[VIDEO_PATH]:
        raise SystemExit(f"{shot.node_id}: the second run gave another clip. That must never happen.")
    frames, fps, file = again[FRAMES], again[FPS], Path(again[VIDEO_PATH])
    count, height, width, _ = frames.shape
    line = Line(
        node=shot.node_id,
        request_id=again[REQUEST_ID],
        seconds=round(seconds, 2),
        reused=submitted == 0,
        submitted=submitted,
        frames_shape=list(frames.shape),
        fps=fps,
        bytes=file.stat().st_size,
        file=file.name,
    )
    about = (shot.about, f"{width} x {height}, {count} frames", f"{count / fps:.1f} s at {fps:g} fps", file.name)
    return line, Row(shot.node_id, about, moments_of(frames.numpy(), fps))


def _submitted_since(host: DemoHost, home: Path, moment: float) -> dict[str, int]:
    """Submissions by request id, as the ledger knows them."""
    records = host.engine("ledger.ledger").Ledger(home).recent(limit=1000)
    return {r.request_id: 1 for r in records if r.submitted_at is not None and r.submitted_at >= moment}


def _write_report(lines: list[Line], file: Path) -> None:
    report = {
        "sandbox": True,
        "submitted": sum(line.submitted for line in lines),
        "nodes": [asdict(line) for line in lines],
    }
    file.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _tell(lines: list[Line], output: Path) -> None:
    print()
    for line in lines:
        shape = " x ".join(map(str, line.frames_shape))
        print(f"  {line.node:<16} {line.seconds:6.1f} s  {shape:<22} {line.fps:g} fps  {line.file}")
    submitted = sum(line.submitted for line in lines)
    print()
    if submitted:
        print(f"{submitted} jobs were submitted to the sandbox. Run it again: nothing will be.")
    else:
        print("Nothing was submitted: the clips of the earlier run are still there, and paid for once is enough.")
    print(f"Look at {output / 'contact_sheet.png'}")
    print(f"The clips and report.json are in {output}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=OUTPUT, help="where to write (default: demo_output)")
    parser.add_argument("--short-clips", action="store_true", help="half a second at 320 px each, for a quick look")
    options = parser.parse_args()
    main(options.output.resolve(), options.short_clips)
