"""The sandbox's sound: a soft pad chord that breathes in, sways and fades out."""

from __future__ import annotations

import hashlib

import numpy as np

SAMPLE_RATE = 44_100
CHORDS = ((0, 7, 12, 16), (0, 7, 14, 16), (0, 5, 12, 15), (0, 7, 11, 16), (0, 3, 10, 14))
"""Semitones above the root: quiet, open voicings."""
PARTIALS = ((1.0, 1.0), (2.0, 0.28), (3.0, 0.1))
"""Frequency ratio and loudness of what makes one note."""


def pad_chord(samples: int, name: str) -> np.ndarray:
    """A chord that belongs to `name`. float32 [2, samples], peak at 0.35, 44,100 samples a second."""
    digest = hashlib.sha256(name.encode()).digest()
    root = 110.0 * 2 ** (digest[0] % 8 / 12)
    chord = CHORDS[digest[1] % len(CHORDS)]
    t = np.arange(samples, dtype=np.float32) / SAMPLE_RATE
    left, right = np.zeros_like(t), np.zeros_like(t)
    for index, semitones in enumerate(chord):
        sway = 0.75 + 0.25 * np.sin(2 * np.pi * (0.11 + 0.04 * index) * t + index)
        for side, detune in ((left, 0.9985), (right, 1.0015)):
            side += sway * _note(t, root * 2 ** (semitones / 12) * detune, index) / (1 + 0.25 * index)
    both = np.stack([left, right]) * _envelope(samples)
    return (both * (0.35 / max(float(np.abs(both).max(initial=0.0)), 1e-9))).astype(np.float32)


def _note(t: np.ndarray, frequency: float, phase: float) -> np.ndarray:
    return sum(
        (loudness * np.sin(2 * np.pi * frequency * ratio * t + phase * ratio) for ratio, loudness in PARTIALS),
        start=np.zeros_like(t),
    )


def _envelope(samples: int) -> np.ndarray:
    attack = min(SAMPLE_RATE, samples // 4)
    release = min(SAMPLE_RATE * 3 // 2, samples // 4)
    envelope = np.ones(samples, np.float32)
    envelope[:attack] = np.sin(np.linspace(0, np.pi / 2, attack)) ** 2
    envelope[samples - release :] = np.cos(np.linspace(0, np.pi / 2, release)) ** 2
    return envelope
