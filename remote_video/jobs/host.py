"""What a job needs from whoever runs it: somewhere to talk to, and a way to be stopped."""

from __future__ import annotations

from typing import Protocol


class Host(Protocol):
    """A small face of ComfyUI, of the demo, or of a test. Every call is safe from any thread."""

    def stopped(self) -> bool:
        """Whether the user pressed Stop. Asking never clears the flag."""
        ...

    def say(self, text: str) -> None:
        """Show one line of status; it takes the place of the last one."""
        ...

    def progress(self, fraction: float) -> None:
        """Show how far the job is, 0..1; called only where the provider gives a percentage."""
        ...
