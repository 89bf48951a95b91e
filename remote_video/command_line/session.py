"""One command's engine, and what is seen of its work: a line that changes on a terminal, plain lines elsewhere."""

from __future__ import annotations

import concurrent.futures
import re
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

from ..console import say
from ..engine.engine import Engine
from ..engine.host import JobEvent, NoHost
from ..operating_system import signals
from ..outside_text import line, lines
from ..settings import Settings
from .surroundings import LOOK_S

T = TypeVar("T")
ENDING_SIGNALS = ("SIGINT", "SIGTERM", "SIGBREAK")
WITH_BAR = "{percentage:3.0f}% |{bar:20}| {desc}"


@contextmanager
def engine_for(settings: Settings) -> Iterator[Engine]:
    """An engine that is ended in order, also by Ctrl-C and SIGTERM, which raise KeyboardInterrupt once.

    The answer to a submission that is under way is waited for; the next signal ends the process at once.
    """
    numbers = signals(*ENDING_SIGNALS)

    def interrupt(number: int, frame: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_DFL)
        raise KeyboardInterrupt

    engine = Engine(lambda: settings, NoHost())
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield engine
    finally:
        engine.close()
        for number, handler in before.items():
            signal.signal(number, handler)


def run(engine: Engine, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The result of a coroutine on the engine's loop, waited for where Ctrl-C is heard."""
    future = engine.run(work)
    while not concurrent.futures.wait((future,), LOOK_S).done:
        continue
    return future.result()


class Progress:
    """What there is to say of clips under way, on stderr. From any thread.

    Args:
        total: clips to count; None for a single one, whose bar is the provider's own percentage.
    """

    def __init__(self, total: int | None = None) -> None:
        self._total = total
        self._bar = _bar(total)
        self._said: dict[str, Any] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, event: JobEvent, label: str = "") -> None:
        """How a job stands. Without a terminal only news is a line: not that a number has changed."""
        text = line(label + " ".join(event.text.split()))
        if self._bar is None:
            news = event.state if self._total else re.sub(r"\d+", "0", text)
            with self._lock:
                is_old = news is None or self._said.get(event.key) == news
                self._said[event.key] = news
            if not is_old:
                self.line(text)
        else:
            with self._lock:
                if self._total is None and event.progress is not None:
                    self._bar.bar_format, self._bar.n = WITH_BAR, event.progress
                self._bar.set_description_str(text)

    def line(self, text: str) -> None:
        """A line that stays."""
        with self._lock:
            if self._bar is None:
                say(text)
            else:
                self._bar.write(lines(text), file=sys.stderr)

    def advance(self) -> None:
        """One clip more is done."""
        with self._lock:
            if self._bar is not None:
                self._bar.update()


def _bar(total: int | None) -> Any:
    """None without a terminal, or without tqdm."""
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    if not sys.stderr.isatty():
        return None
    form = "{desc}" if total is None else "{n_fmt}/{total_fmt} |{bar:20}| {desc}"
    return tqdm(total=total or 1, bar_format=form, file=sys.stderr, leave=False, dynamic_ncols=True)
