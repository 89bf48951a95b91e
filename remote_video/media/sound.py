"""Sound of a file, in a separate pass, in sync with the picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import av
import numpy as np
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from ..errors import MediaError, NotEnoughMemory
from .container import LIBAV_ERRORS, open_media, rational, said, sound_stream
from .frames import Check, nothing_to_check
from .free_memory import free_bytes
from .whole_file import what_is_missing

if TYPE_CHECKING:
    import torch

FLOAT32_BYTES = 4
SILENCE_RATE = 44100
"""Sample rate of the silence in place of a missing sound track, Hz."""
SILENCE_CHANNELS = 2
SMALLEST_HOLE_S = 0.02
"""Time stamps that jump by less are rounded ones."""
_CHECK_EVERY = 1024
"""Decoded blocks between two looks at the free RAM."""


class Audio(TypedDict):
    """ComfyUI's AUDIO."""

    waveform: torch.Tensor
    """float32 [1,C,N], -1..1."""
    sample_rate: int
    """Hz."""


def silence(path: Path, duration_s: float) -> Audio:
    """Stereo silence.

    Raises:
        NotEnoughMemory: the claimed duration is absurd.
    """
    import torch

    samples = round(duration_s * SILENCE_RATE)
    _require_memory(path, samples * SILENCE_CHANNELS * 4)
    return Audio(waveform=torch.zeros(1, SILENCE_CHANNELS, samples), sample_rate=SILENCE_RATE)


def decode_sound(path: Path, picture_start_s: float, check: Check = nothing_to_check) -> Audio | None:
    """The whole sound track at its own rate, with its own channels; None when none of it is heard with the picture.

    Args:
        path: the file.
        picture_start_s: time stamp of the first frame, s; sound before it is cut; a later begin, and what is
            missing between, is filled with silence.
        check: called again and again.

    Raises:
        NotEnoughMemory, MediaError.
    """
    with open_media(path) as container:
        stream = sound_stream(container)
        if stream is None:
            return None
        blocks: list[NDArray[Any]] = []
        lead = samples = 0
        rate = channels = 0
        resampler: AudioResampler | None = None
        try:
            for frame in whole_sound(container, stream, path):
                check()
                if resampler is None:
                    rate, channels = frame.sample_rate, len(frame.layout.channels)
                    resampler = AudioResampler(format="fltp", layout=frame.layout, rate=rate)
                    if frame.pts is not None:
                        lead = round((frame.pts * rational(frame.time_base) - picture_start_s) * rate)
                elif frame.pts is not None:
                    begin = round((frame.pts * rational(frame.time_base) - picture_start_s) * rate)
                    hole = begin - lead - samples
                    if hole > SMALLEST_HOLE_S * rate:
                        _require_memory(path, hole * channels * FLOAT32_BYTES)
                        blocks.append(np.zeros((channels, hole), np.float32))
                        samples += hole
                samples += frame.samples
                blocks += [block.to_ndarray() for block in resampler.resample(frame)]
                if len(blocks) % _CHECK_EVERY == 0:
                    _require_memory(path, sum(block.nbytes for block in blocks))
            if resampler is not None:
                blocks += [block.to_ndarray() for block in resampler.resample(None)]
        except LIBAV_ERRORS as error:
            seconds = sum(block.shape[1] for block in blocks) / rate if rate else 0.0
            raise MediaError(
                f"The sound of {path} is damaged: {seconds:.2f} s can be decoded, then {said(error)}."
            ) from error
    if not blocks:
        return None
    waveform = _in_step(path, blocks, lead, channels)
    return Audio(waveform=waveform, sample_rate=rate) if waveform.shape[2] else None


def whole_sound(container: av.container.InputContainer, stream: av.AudioStream, path: Path) -> Iterator[av.AudioFrame]:
    """Decoded blocks. Raises ValueError where the file breaks off."""
    for packet in container.demux(stream):
        if packet.is_corrupt:
            raise ValueError("the file breaks off")
        if packet.size == 0 and packet.dts is not None:
            continue  # libav takes it for the end
        yield from packet.decode()
    if what_is_missing(path):
        raise ValueError("the file breaks off")


def _in_step(path: Path, blocks: list[NDArray[Any]], lead: int, channels: int) -> torch.Tensor:
    """One waveform [1,C,N] that begins with the picture; `lead` is how many samples later the sound begins."""
    import torch

    if lead > 0:
        _require_memory(path, lead * channels * 4)
        blocks = [np.zeros((channels, lead), np.float32), *blocks]
    waveform = np.concatenate(blocks, axis=1)
    return torch.from_numpy(waveform[:, max(0, -lead) :]).unsqueeze(0)


def _require_memory(path: Path, needed: int) -> None:
    free = free_bytes()
    if needed > free:
        raise NotEnoughMemory(
            f"The sound needs {needed / 1e9:.1f} GB of RAM, and {free / 1e9:.1f} GB are free. "
            f"The clip itself is saved: {path}"
        )
