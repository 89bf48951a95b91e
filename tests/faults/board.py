"""Which faults are switched on, where, and for which calls."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ..fault_proxy import FaultProxy, Line
from .answer import Answer
from .fault import CANCEL, CONTENT, CREATE, MEDIA, RESULT, RETRIEVE, ROUTES, STATUS, SUBMIT, Fault, Options

EXPECTED_AFTER: Mapping[str, tuple[tuple[str, ...], bool]] = {
    STATUS: ((SUBMIT,), False),
    CANCEL: ((SUBMIT,), False),
    RESULT: ((STATUS,), True),
    RETRIEVE: ((CREATE,), False),
    CONTENT: ((RETRIEVE,), True),
    MEDIA: ((RESULT, RETRIEVE), True),
}
"""Route -> the routes whose answer comes right before its first call, and whether only an answer that ends the job."""


@dataclass
class ActiveFault:
    """A fault that is switched on for a route.

    Args:
        on_call: the first call it hits, counted from when it was set; None: the first, and no end unless `times`.
        times: how many calls it hits; None: one with `on_call`, all without.
    """

    route: str
    fault: Fault
    on_call: int | None
    times: int | None
    options: Options
    calls: int = 0
    fired: int = 0
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def first(self) -> int:
        return self.on_call or 1

    @property
    def limit(self) -> int | None:
        return 1 if self.times is None and self.on_call is not None else self.times

    def hits_next(self) -> bool:
        """Count a call; whether it is hit."""
        self.calls += 1
        hit = self.calls >= self.first and (self.limit is None or self.fired < self.limit)
        self.fired += hit
        return hit


class FaultBoard:
    """The switches. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._active: list[ActiveFault] = []
        self._proxy: FaultProxy | None = None
        self._reopening: threading.Timer | None = None

    def connect(self, proxy: FaultProxy) -> None:
        """Let "refuse" faults shut this proxy's port."""
        self._proxy = proxy

    @staticmethod
    def menu(route: str | None = None) -> tuple[Fault, ...]:
        """Every fault a route can have; all of them without a route.

        Raises:
            KeyError: no such route.
        """
        if route is None:
            return _all_faults()
        if route not in ROUTES:
            raise KeyError(f"no route {route!r}; there are {', '.join(ROUTES)}")
        return tuple(fault for fault in _all_faults() if route in fault.routes)

    def set(
        self, route: str, fault: str | Fault, *, on_call: int | None = None, times: int | None = None, **options: Any
    ) -> ActiveFault:
        """Switch a fault on.

        Args:
            route: where, one of `ROUTES`.
            fault: a fault of that route's menu, or its name.
            on_call: hit the n-th call from now on, once; None: every call.
            times: hit so many calls (from `on_call` on, when both are given).
            options: what the fault can be told; see its `options`.

        Raises:
            KeyError: no such route, fault or option.
            ValueError: a count below 1.
        """
        if min(on_call or 1, times or 1) < 1:
            raise ValueError("on_call and times count from 1")
        chosen = fault if isinstance(fault, Fault) else self._find(route, fault)
        unknown = options.keys() - chosen.options.keys()
        if unknown:
            raise KeyError(f"{chosen.name} has no option {', '.join(sorted(unknown))}")
        active = ActiveFault(route, chosen, on_call, times, {**chosen.options, **options})
        with self._lock:
            self._active.append(active)
        if chosen.refuses and active.first == 1 and route not in EXPECTED_AFTER:
            self._refuse(active)
        return active

    def clear(self, route: str | None = None) -> None:
        """Switch off every fault, or one route's; ends stalls and opens the port again."""
        with self._lock:
            gone = [active for active in self._active if route in (None, active.route)]
            self._active = [active for active in self._active if active not in gone]
        for active in gone:
            active.released.set()
        if any(active.fault.refuses and active.fired for active in gone):
            self._reopen()

    def active(self) -> list[ActiveFault]:
        with self._lock:
            return list(self._active)

    def take(self, route: str) -> ActiveFault | None:
        """Count a call of a route; the fault that hits it, if any."""
        with self._lock:
            here = [active for active in self._active if active.route == route and not active.fault.refuses]
            hits = [active for active in here if active.hits_next()]
        return hits[0] if hits else None

    def refuses(self) -> bool:
        """Whether a fault is on that refuses connections."""
        with self._lock:
            return any(active.fault.refuses for active in self._active)

    def shuts_after(self, route: str, answer: Answer, line: Line | None) -> bool:
        """Shut the port when the call that comes after this answer is one to be refused; whether it did.

        It is shut before the answer leaves by `line`, so that the client's next connection is refused for certain.
        """
        with self._lock:
            due = [active for active in self._active if active.fault.refuses and _is_due(active, route, answer)]
        for active in due:
            self._refuse(active, line)
        return bool(due)

    def _refuse(self, active: ActiveFault, keep: Line | None = None) -> None:
        active.fired += 1
        if self._proxy is None:
            return
        self._proxy.refuse()
        self._proxy.cut(reset=False, but=keep)
        forever = active.on_call is None and active.times is None and active.options["seconds"] is None
        if not forever:
            self._reopening = threading.Timer(active.options["seconds"] or 1.0, self._reopen)
            self._reopening.daemon = True
            self._reopening.start()

    def _reopen(self) -> None:
        if self._reopening is not None:
            self._reopening.cancel()
            self._reopening = None
        if self._proxy is not None:
            self._proxy.heal()

    def _find(self, route: str, name: str) -> Fault:
        for fault in self.menu(route):
            if fault.name == name:
                return fault
        raise KeyError(f"{route} has no fault {name!r}")


def _is_due(active: ActiveFault, route: str, answer: Answer) -> bool:
    if active.fired:
        return False
    if active.first > 1:
        active.calls += route == active.route
        return active.calls == active.first - 1
    routes, only_finished = EXPECTED_AFTER.get(active.route, ((), False))
    return route in routes and (answer.finished or not only_finished) and answer.status < 400


@cache
def _all_faults() -> tuple[Fault, ...]:
    from . import bodies, catalogue, connection, job_states, media, provider_errors, variants

    parts = (connection, bodies, provider_errors, job_states, media, variants, catalogue)
    return tuple(fault for part in parts for fault in part.FAULTS)
