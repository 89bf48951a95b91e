"""One bar per node on a terminal; plain lines where there is none."""

from __future__ import annotations

import re
import sys
import threading

from tqdm import tqdm

LABEL_WIDTH = 16


class Progress:
    """What the nodes say while they run. Called from any thread.

    Args:
        node_ids: in the order of their bars.
    """

    def __init__(self, node_ids: list[str]) -> None:
        self._lock = threading.Lock()
        self._said: dict[str, str] = {}
        self._closed = False
        self._bars = {} if not sys.stderr.isatty() else {name: _bar(name, i) for i, name in enumerate(node_ids)}

    def say(self, node_id: str, text: str) -> None:
        """Show the newest line of a node."""
        line = " ".join(text.split())
        with self._lock:
            if self._closed:
                return
            if bar := self._bars.get(node_id):
                bar.set_description_str(line)
            elif self._said.get(node_id) != (shape := re.sub(r"\d+", "0", line)):
                self._said[node_id] = shape
                print(f"  {node_id:<{LABEL_WIDTH}} {line}", flush=True)

    def percent(self, node_id: str, value: float) -> None:
        """Move a node's bar to `value`, 0..100: the provider's own figure, where it gives one."""
        with self._lock:
            if (bar := self._bars.get(node_id)) and not self._closed:
                bar.n = value
                bar.refresh()

    def done(self, node_id: str, text: str) -> None:
        """Fill a node's bar."""
        self.percent(node_id, 100)
        self.say(node_id, text)

    def close(self) -> None:
        """Leave the bars as they are and go on below them; what is said from now on is not shown."""
        with self._lock:
            self._closed = True
            for bar in self._bars.values():
                bar.close()


def _bar(name: str, position: int) -> tqdm:
    return tqdm(total=100, position=position, unit=f"{name:<{LABEL_WIDTH}}", bar_format="  {unit} |{bar:20}| {desc}")
