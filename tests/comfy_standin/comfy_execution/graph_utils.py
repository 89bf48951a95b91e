"""An output without a value."""

from __future__ import annotations


class ExecutionBlocker:
    """Whoever is wired to it is stopped with the message."""

    def __init__(self, message: str | None) -> None:
        self.message = message
