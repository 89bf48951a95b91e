"""The measurements as one picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from .waiting import LIFTED

WAYS = {"bare": "libav alone", "ours": "Remote Video", "opencv": "OpenCV", "comfyui": "ComfyUI's own"}
COLOURS = {"bare": "#9aa4b2", "ours": "#e4572e", "opencv": "#5b8e7d", "comfyui": "#4d648d"}


def draw(results: dict[str, Any], path: Path) -> Path:
    """Write a PNG of whatever has been measured."""
    figure, axes = plt.subplots(2, 3, figsize=(16, 9), constrained_layout=True)
    _decode_bars(axes[0][0], results.get("decode", []), "seconds", "Decode to frames, s")
    _decode_bars(axes[0][1], results.get("decode", []), "rss_gb", "RAM while decoding, GB")
    wanted = {"seconds": "time, s", "rss_gb": "RAM, GB"}
    _lines(axes[0][2], results.get("growth", []), "clip_s", wanted, "Our decode against length (720p)", "clip, s")
    waiting = [row for row in results.get("waiting", []) if row["questions a s, at most"] != LIFTED]
    _lines(axes[1][0], waiting, "jobs", {"wall s": "wall, s"}, "Jobs side by side (10 s each)", "jobs")
    wanted = {"RSS growth MB": "RAM, MB", "threads": "threads"}
    _lines(axes[1][1], waiting, "jobs", wanted, "What waiting takes", "jobs")
    _encode_bars(axes[1][2], results.get("encode", []))
    machine = results["machine"]
    figure.suptitle(f"Remote Video: {machine['cores']} cores, Python {machine['python']}, PyAV {machine['av']}")
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return path


def _decode_bars(axes: Axes, rows: list[dict[str, Any]], figure: str, title: str) -> None:
    clips = list(dict.fromkeys(row["clip"] for row in rows))
    width = 0.8 / len(WAYS)
    for place, (way, label) in enumerate(WAYS.items()):
        found = {row["clip"]: row[figure] for row in rows if row["way"] == way and figure in row}
        at = [clips.index(clip) + (place - (len(WAYS) - 1) / 2) * width for clip in found]
        bars = axes.bar(at, list(found.values()), width, label=label, color=COLOURS[way])
        axes.bar_label(bars, fmt="%.2g", fontsize=7, padding=1)
    axes.set(title=title, xticks=range(len(clips)), xticklabels=clips)
    if clips:
        axes.set_yscale("log")
        axes.margins(y=0.35)
        axes.legend(fontsize=8, ncols=4, loc="upper center")


def _lines(axes: Axes, rows: list[dict[str, Any]], across: str, lines: dict[str, str], title: str, unit: str) -> None:
    for (figure, label), colour in zip(lines.items(), (COLOURS["ours"], COLOURS["comfyui"]), strict=False):
        axes.plot([row[across] for row in rows], [row[figure] for row in rows], "o-", label=label, color=colour)
    axes.set(title=title, xlabel=unit, ylim=(0, None), xlim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)


def _encode_bars(axes: Axes, rows: list[dict[str, Any]]) -> None:
    shown = [row for row in rows if row["picture"] != "flat"]
    labels = [f"{row['picture']} {row['size']}\n{_limit(row['limit_mb'])}" for row in shown]
    bars = axes.barh(labels, [row["times_faster"] for row in shown], color=COLOURS["ours"])
    axes.bar_label(bars, fmt="%.1f x", fontsize=7, padding=2)
    axes.invert_yaxis()
    axes.tick_params(axis="y", labelsize=7)
    axes.set(title="Encode: times faster than Pillow's default")


def _limit(megabytes: float | str) -> str:
    return "no limit" if megabytes == "-" else f"at most {megabytes} MB"
