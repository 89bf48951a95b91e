"""Too little RAM is an error before anything is allocated, with both figures, the file and the ways out."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from remote_video_pack.remote_video.errors import MediaError, NotEnoughMemory
from remote_video_pack.remote_video.media import free_memory
from remote_video_pack.remote_video.media.clip import Clip

from .clips import moving_picture, write_clip

GIB = 1 << 30


def avi(path: Path, *, codec: str = "mpeg4", pix_fmt: str = "yuv420p") -> Path:
    return write_clip(path, [moving_picture(i, 64, 48) for i in range(6)], codec=codec, pix_fmt=pix_fmt)


def claiming_frames(path: Path, count: int) -> Path:
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, content.index(b"strh") + 8 + 32, count)
    path.write_bytes(content)
    return path


def test_a_billion_claimed_frames_are_refused_from_the_header(tmp_path):
    path = claiming_frames(avi(tmp_path / "huge.avi"), 1_000_000_000)
    clip = Clip.open(path)
    before = psutil.Process().memory_info().vms
    with pytest.raises(NotEnoughMemory) as refused:
        clip.frames()
    assert psutil.Process().memory_info().vms - before < GIB
    message = str(refused.value)
    assert "1000000000 frames of 64x48 px need 36864.0 GB" in message and "GB are free" in message
    assert str(path) in message
    assert refused.value.fitting > 0
    assert clip.frames(3).shape[0] == 3


def test_the_silence_of_a_billion_claimed_frames_is_refused_as_well(tmp_path):
    path = claiming_frames(avi(tmp_path / "huge.avi"), 1_000_000_000)
    with pytest.raises(NotEnoughMemory, match=r"The sound needs 14700\.0 GB") as refused:
        Clip.open(path).audio()
    assert str(path) in refused.value.what


def test_claimed_sizes_are_refused_from_the_header(tmp_path):
    path = avi(tmp_path / "wide.avi", codec="rawvideo", pix_fmt="bgr24")
    content = bytearray(path.read_bytes())
    struct.pack_into("<2i", content, content.index(b"strf") + 8 + 4, 100_000, 100_000)
    path.write_bytes(content)
    with pytest.raises(MediaError, match=r"wide\.avi"):
        Clip.open(path).frames()


def test_a_picture_inside_that_claims_a_size_is_refused(tmp_path):
    path = write_clip(tmp_path / "png.mov", [moving_picture(0, 64, 48)], codec="png", pix_fmt="rgb24")
    content = path.read_bytes()
    path.write_bytes(
        content.replace(struct.pack(">4s2I", b"IHDR", 64, 48), struct.pack(">4s2I", b"IHDR", 10**5, 10**5))
    )
    with pytest.raises(MediaError, match=r"png\.mov"):
        Clip.open(path).frames()


@pytest.mark.skipif(sys.platform != "linux", reason="ulimit -v is enforced on Linux only")
def test_a_limit_of_the_process_counts(tmp_path):
    path = claiming_frames(avi(tmp_path / "clip.avi"), 100_000)  # 3.7 GB
    run = in_a_child(
        path,
        """
limit = psutil.Process().memory_info().vms + 2**30
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    Clip.open(path).frames()
except NotEnoughMemory as error:
    print(error)
""",
    )
    assert "need 3.7 GB of RAM" in run


@pytest.mark.skipif(sys.platform != "linux", reason="a process's peak can be reset on Linux only")
def test_the_peak_is_the_tensor_and_little_more(tmp_path):
    picture = moving_picture(0, 1280, 720)
    path = write_clip(tmp_path / "clip.mp4", [picture] * 60, size=(1280, 720), options={"preset": "ultrafast"})
    run = in_a_child(
        path,
        """
Clip.open(path).frames(1)
before = psutil.Process().memory_info().rss
Path("/proc/self/clear_refs").write_text("5")
frames = Clip.open(path).frames()
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print((int(peak.split()[1]) * 1024 - before) / (frames.nelement() * 4))
""",
    )
    assert float(run) <= 1.15


CHILD = """
import importlib.util, resource, sys
from pathlib import Path
import psutil
folder, path = Path(sys.argv[1]), Path(sys.argv[2])
init = folder / "__init__.py"
spec = importlib.util.spec_from_file_location("engine", init, submodule_search_locations=[str(folder)])
sys.modules["engine"] = engine = importlib.util.module_from_spec(spec)
spec.loader.exec_module(engine)
from engine.errors import NotEnoughMemory
from engine.media.clip import Clip
"""


def in_a_child(path: Path, script: str) -> str:
    """What a fresh process with the engine and nothing else prints."""
    engine = Path(free_memory.__file__).parent.parent
    arguments = [sys.executable, "-c", CHILD + script, str(engine), str(path)]
    run = subprocess.run(arguments, capture_output=True, text=True, timeout=110, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


def group(folder: Path, names: tuple[str, str], limit: str, used: int, cache: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / names[0]).write_text(limit, encoding="utf-8")
    (folder / names[1]).write_text(str(used), encoding="utf-8")
    (folder / "memory.stat").write_text(f"anon 5\n{cache}\nfile 7\n", encoding="utf-8")


V2 = ("memory.max", "memory.current")
V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes")


@pytest.mark.parametrize(
    ("membership", "groups", "room"),
    [
        ("0::/a/b\n", {"a/b": (V2, "max", 0, "inactive_file 0"), "a": (V2, "1000", 400, "inactive_file 50")}, 650),
        ("0::/\n", {"": (V2, "3000", 1000, "inactive_file 0")}, 2000),
        ("0::/a\n", {"a": (V2, "max", 0, "inactive_file 0")}, None),
        ("4:memory:/docker/x\n", {"memory/docker/x": (V1, "5000", 1000, "total_inactive_file 100")}, 4100),
        ("4:cpu,memory:/elsewhere\n", {"memory": (V1, "5000", 1000, "total_inactive_file 0")}, 4000),
        ("4:memory:/x\n", {"memory/x": (V1, str(2**63 - 4096), 1000, "total_inactive_file 0")}, None),
        ("", {}, None),
    ],
)
def test_container_limits_count(tmp_path, membership, groups, room):
    for name, (names, limit, used, cache) in groups.items():
        group(tmp_path / "cgroup" / name, names, limit, used, cache)
    (tmp_path / "membership").write_text(membership, encoding="utf-8")
    assert free_memory.cgroup_room(tmp_path / "cgroup", tmp_path / "membership") == room
    if room is not None and sys.platform == "linux":
        assert free_memory.free_bytes(tmp_path / "cgroup", tmp_path / "membership") == room


def test_free_memory_is_never_more_than_the_machine_has():
    assert 0 < free_memory.free_bytes() <= psutil.virtual_memory().total
