"""What the engine needs from its host: ComfyUI, the command line, or a test. Every call is thread-safe."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from ..errors import RemoteVideoError
from ..ledger.lifecycle import State


@dataclass(frozen=True)
class JobEvent:
    """What there is to say of a job at one moment: `text` for who reads lines, the rest for who lays it out."""

    key: str
    """The job key."""
    text: str
    """A line or two for people."""
    words: str = ""
    """What of it is said in words, without times and ids."""
    state: State | None = None
    """Where the ledger has it; None before it is submitted."""
    request_id: str | None = None
    progress: float | None = None
    """0..1; None when the provider gives no percentage."""
    model_name: str = ""
    place: int | None = None
    """In the provider's queue, where it says."""
    since: float | None = None
    """When the work on it began here, seconds since 1970."""
    usually_s: float | None = None
    """How long such jobs took, where enough of them are known."""
    sandbox: bool = False
    estimate_usd: float | None = None
    cost_usd: float | None = None
    """What it cost, once that is known; None for a sandbox job."""
    file: str | None = None
    """The name of its clip, once it is saved."""
    error: RemoteVideoError | None = None
    is_over: bool = False
    """Nothing more will be said of it."""


EventFact = str | float | RemoteVideoError | None
"""What a field of a `JobEvent` holds that is said by its name."""


class PromptEnd(Enum):
    """How a prompt ended."""

    RUNNING = "running"
    """It hasn't, yet."""
    INTERRUPTED = "interrupted"
    OTHERWISE = "otherwise"
    """It succeeded, failed, or its outcome is no longer known."""


class Host(Protocol):
    """Whose prompts the engine works for."""

    def interrupted_prompt(self) -> str | None:
        """The prompt the user is stopping at this moment. Asking never clears the host's flag."""
        ...

    def prompt_end(self, prompt_id: str) -> PromptEnd:
        """How a prompt ended."""
        ...

    def output_folder(self) -> Path | None:
        """Where every clip goes that is collected; None is the folder each was asked for."""
        ...

    def temp_folder(self) -> Path:
        """Where images lie that are shown under a public origin."""
        ...

    def publish(self, event: JobEvent) -> None:
        """Notify whoever shows all jobs (the jobs panel)."""
        ...


class Asker(Protocol):
    """Who asks for one clip: a node in a prompt."""

    prompt_id: str
    """Empty when it is in no prompt."""

    def show(self, event: JobEvent) -> None:
        """Show what there is to say of its job; it takes the place of the last line."""
        ...

    def is_waiting(self) -> bool:
        """Whether a prompt that waits for its turn asks for the same clip: to cancel it now would be to pay again."""
        ...


class NoHost:
    """No Stop button and no watchers."""

    def interrupted_prompt(self) -> str | None:
        """Nothing is stopped."""
        return None

    def prompt_end(self, prompt_id: str) -> PromptEnd:
        """Nothing is known of prompts."""
        return PromptEnd.OTHERWISE

    def output_folder(self) -> Path | None:
        """Each job's own: a command line names the folder."""
        return None

    def temp_folder(self) -> Path:
        """The system's."""
        return Path(tempfile.gettempdir())

    def publish(self, event: JobEvent) -> None:
        """Nobody looks."""
