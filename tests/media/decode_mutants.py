"""Child process of test_hostile.py: decodes mutated clips under a memory limit, one JSON line for each.

    python decode_mutants.py ENGINE_FOLDER WORK_FOLDER FIRST_SEED COUNT BASE...

A mutant ends as frames or as one of the engine's own errors; anything else, a hang too, ends this process.
"""

from __future__ import annotations

import faulthandler
import importlib.util
import json
import resource
import struct
import sys
import time
from pathlib import Path

import numpy as np
import psutil

ROOM = 1 << 30
"""Bytes the decoding may take, beside what the process has after its imports."""
HANG_S = 10.0
FIELD_VALUES = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1_000_000_000)


def mutant(content: bytes, seed: int) -> bytes:
    """The file with a few things wrong, half of them inside its header boxes; half of the files keep their length."""
    rng = np.random.default_rng(seed)
    data = bytearray(content)
    header = data.find(b"moov")
    kinds = int(rng.choice([3, 6]))
    for _ in range(int(rng.integers(1, 4))):
        low, high = (header, min(len(data), header + 3000)) if header > 0 and rng.random() < 0.5 else (0, len(data))
        high = max(high, low + 9)
        at = min(int(rng.integers(low, high - 8)), len(data) - 8)
        kind = rng.integers(kinds)
        if kind == 0:
            data[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            struct.pack_into(">I", data, at, int(rng.choice(FIELD_VALUES)))
        elif kind == 2:
            data[at : at + 8] = rng.bytes(8)
        elif kind == 3:
            del data[at : at + int(rng.integers(1, 200))]
        elif kind == 4:
            length = int(rng.integers(1, 400))
            data[at:at] = data[at : at + length]
        else:
            del data[max(64, at) :]
        if len(data) < 64:
            break
    return bytes(data)


def load_engine(folder: Path):
    """The engine as a package, without the nodes and without ComfyUI."""
    spec = importlib.util.spec_from_file_location(
        "engine", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    engine = importlib.util.module_from_spec(spec)
    sys.modules["engine"] = engine
    spec.loader.exec_module(engine)
    from engine.errors import RemoteVideoError
    from engine.media.clip import Clip

    return Clip, RemoteVideoError


def outcome(clip_type, error_type, path: Path) -> dict[str, str]:
    """What became of each of the ways to read a clip."""
    try:
        clip = clip_type.open(path)
    except error_type as error:
        return {"open": type(error).__name__}
    ends = {"open": "ok"}
    for name, read in (("frames", clip.frames), ("last_frame", clip.last_frame), ("audio", clip.audio)):
        try:
            read()
            ends[name] = "ok"
        except error_type as error:
            ends[name] = type(error).__name__
    return ends


def main() -> None:
    """Decode the mutants of seeds FIRST_SEED to FIRST_SEED + COUNT - 1."""
    engine, work, first, count, *bases = sys.argv[1:]
    clip_type, error_type = load_engine(Path(engine))
    contents = [Path(base).read_bytes() for base in bases]
    endings = [Path(base).suffix for base in bases]
    warm = Path(work) / f"warm{endings[0]}"
    warm.write_bytes(contents[0])
    outcome(clip_type, error_type, warm)
    limit = psutil.Process().memory_info().vms + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for seed in range(int(first), int(first) + int(count)):
        which = seed % len(contents)
        path = Path(work) / f"mutant{endings[which]}"
        path.write_bytes(mutant(contents[which], seed))
        print(json.dumps({"seed": seed}), flush=True)
        faulthandler.dump_traceback_later(HANG_S, exit=True)
        began = time.monotonic()
        ends = outcome(clip_type, error_type, path)
        faulthandler.cancel_dump_traceback_later()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        seconds = round(time.monotonic() - began, 3)
        print(json.dumps({"seed": seed, "ends": ends, "seconds": seconds, "peak_kib": peak}), flush=True)


if __name__ == "__main__":
    main()
