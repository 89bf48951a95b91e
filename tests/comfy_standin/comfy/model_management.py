"""The Stop button. As in new cores, the interruption is a BaseException."""

from __future__ import annotations

_interrupted = False


class InterruptProcessingException(BaseException):
    """The user pressed Stop."""


def interrupt_current_processing(value: bool = True) -> None:
    """Press Stop, or let go of it."""
    global _interrupted
    _interrupted = value


def processing_interrupted() -> bool:
    """Whether Stop was pressed; does not clear it."""
    return _interrupted
