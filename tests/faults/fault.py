"""What a fault is: a name, a sentence, and the three places where an exchange can go wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from .answer import Answer, Incoming
from .wire import Wire

SUBMIT, STATUS, RESULT = "runcomfy/submit", "runcomfy/status", "runcomfy/result"
CANCEL, MODEL, MODELS, BALANCE = "runcomfy/cancel", "runcomfy/model", "runcomfy/models", "runcomfy/balance"
CREATE, RETRIEVE, CONTENT, ALIASES = "comet/create", "comet/retrieve", "comet/content", "comet/models"
MEDIA = "media"
ROUTES = (SUBMIT, STATUS, RESULT, CANCEL, MODEL, MODELS, BALANCE, CREATE, RETRIEVE, CONTENT, ALIASES, MEDIA)
POSTS = (SUBMIT, CREATE, CANCEL)
GETS = tuple(route for route in ROUTES if route not in POSTS)
RUNCOMFY = (SUBMIT, STATUS, RESULT, CANCEL, MODEL, MODELS, BALANCE)
COMET = (CREATE, RETRIEVE, CONTENT, ALIASES)
JSON_ROUTES = (*RUNCOMFY, CREATE, RETRIEVE, ALIASES)
BINARY = (CONTENT, MEDIA)

Options = Mapping[str, Any]


class BodyFate(Enum):
    """What becomes of the request's body."""

    READ = "read"
    RESET_BEFORE = "reset before it is read"
    RESET_DURING = "reset when half of it is read"


@dataclass(frozen=True)
class Call:
    """One request that a fault hits: `nth` counts the hits, from 1."""

    route: str
    nth: int
    options: Options
    request: Incoming


Alter = Callable[[Answer, Call], Answer]
Deliver = Callable[[Wire, Answer, Options], None]


def unaltered(answer: Answer, call: Call) -> Answer:
    return answer


def whole(wire: Wire, answer: Answer, options: Options) -> None:
    wire.send_whole(answer)


@dataclass(frozen=True)
class Fault:
    """Something that can go wrong with an exchange.

    Args:
        name: unique on each of its routes.
        says: what it does, in a sentence.
        routes: where it can happen.
        carried_out: whether the request takes effect. On submit and create: whether a job was accepted and counted.
        body: what becomes of the request's body.
        alter: changes the true answer.
        deliver: sends it, or doesn't.
        refuses: connections are refused, before there is a request at all.
        options: names and defaults of what `FaultBoard.set` can be told besides.
        harmless: the exchange still says all that is needed, only in another of the documented ways.
    """

    name: str
    says: str
    routes: tuple[str, ...]
    carried_out: bool = True
    body: BodyFate = BodyFate.READ
    alter: Alter = unaltered
    deliver: Deliver = whole
    refuses: bool = False
    options: Options = field(default_factory=dict)
    harmless: bool = False


def paired(name: str, says: str, routes: Iterable[str], **parts: Any) -> list[Fault]:
    """A fault that leaves the client in the dark, in all its variants.

    On GET routes it has the name alone. On POST routes there are two: `name:accepted`, where the request took
    effect, and `name:lost`, where it did not; the client can't tell them apart.
    """
    wanted = tuple(routes)
    gets = tuple(route for route in wanted if route in GETS)
    posts = tuple(route for route in wanted if route in POSTS)
    accepted = f"{says} The request had taken effect."
    lost = f"{says} The request had no effect."
    return [
        *([Fault(name, says, gets, **parts)] if gets else []),
        *([Fault(f"{name}:accepted", accepted, posts, **parts)] if posts else []),
        *([Fault(f"{name}:lost", lost, posts, carried_out=False, **parts)] if posts else []),
    ]
