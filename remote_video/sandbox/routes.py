"""Which request means what: a name for every route, for the request log and the fault menu."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .answer import Answer, Incoming

Handler = Callable[..., Answer]


@dataclass(frozen=True)
class Route:
    """A named route; `pattern` matches the whole path, its groups are the handler's arguments."""

    name: str
    method: str
    pattern: str
    handler: Handler

    def arguments(self, method: str, path: str) -> tuple[str, ...] | None:
        """The path's variable parts when this route is meant, else None."""
        if method != self.method and not (method == "HEAD" and self.method == "GET"):
            return None
        match = re.fullmatch(self.pattern, path)
        return match.groups() if match else None


@dataclass(frozen=True)
class Destination:
    """A route found for a request, with what its path says."""

    route: Route
    arguments: tuple[str, ...]

    def answer(self, request: Incoming) -> Answer:
        return self.route.handler(request, *self.arguments)


def find_route(routes: Sequence[Route], method: str, path: str) -> Destination | None:
    for route in routes:
        arguments = route.arguments(method, path)
        if arguments is not None:
            return Destination(route, arguments)
    return None
