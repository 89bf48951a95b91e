"""Which prompt and node the running code belongs to."""

from __future__ import annotations

import contextvars
from types import TracebackType
from typing import NamedTuple


class ExecutionContext(NamedTuple):
    prompt_id: str
    node_id: str
    list_index: int | None


_current: contextvars.ContextVar[ExecutionContext | None] = contextvars.ContextVar("executing", default=None)


def get_executing_context() -> ExecutionContext | None:
    """The running node, or None outside of one."""
    return _current.get()


class CurrentNodeContext:
    """Names the running node while it is entered."""

    def __init__(self, prompt_id: str, node_id: str, list_index: int | None = None) -> None:
        self.context = ExecutionContext(prompt_id, node_id, list_index)

    def __enter__(self) -> CurrentNodeContext:
        self._token = _current.set(self.context)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        _current.reset(self._token)
