"""What can go wrong with the connection, whatever is being said over it."""

from __future__ import annotations

from .answer import Answer
from .fault import BINARY, POSTS, ROUTES, BodyFate, Fault, Options, paired
from .wire import Wire

STALL_S = 30.0
DRIP_S = 2.0
DRIPS = 40
CHUNK = 256 * 1024
ENDLESS_FILLER = bytes(64 * 1024)


def break_before(wire: Wire, answer: Answer, options: Options) -> None:
    wire.reset()


def break_midway(wire: Wire, answer: Answer, options: Options) -> None:
    content = answer.body
    wire.send_head(answer, Content_Length=str(len(content)))
    wire.send(content[: len(content) // 2])
    wire.settle()
    wire.reset()


def hang_up(wire: Wire, answer: Answer, options: Options) -> None:
    """What every delivery ends with."""


def stall_before(wire: Wire, answer: Answer, options: Options) -> None:
    wire.pause(options["seconds"])
    wire.send_whole(answer)


def stall_and_break(wire: Wire, answer: Answer, options: Options) -> None:
    wire.pause(options["seconds"])
    wire.reset()


def stall_midway(wire: Wire, answer: Answer, options: Options) -> None:
    content = answer.body
    half = len(content) // 2
    wire.send_head(answer, Content_Length=str(len(content)))
    wire.send(content[:half])
    wire.pause(options["seconds"])
    wire.send(content[half:])


def drip(wire: Wire, answer: Answer, options: Options) -> None:
    content = answer.body
    wire.send_head(answer, Content_Length=str(len(content)))
    step = max(len(content) // DRIPS, 1)
    for start in range(0, len(content), step):
        wire.send(content[start : start + step])
        wire.pause(options["seconds"] / DRIPS)


def short_body(wire: Wire, answer: Answer, options: Options) -> None:
    content = answer.body
    wire.send_head(answer, Content_Length=str(len(content)))
    wire.send(content[: len(content) // 2])


def length_too_small(wire: Wire, answer: Answer, options: Options) -> None:
    content = answer.body
    wire.send_head(answer, Content_Length=str(len(content) // 2))
    wire.send(content)


def length_not_a_number(wire: Wire, answer: Answer, options: Options) -> None:
    wire.send_head(answer, Content_Length="many")
    wire.send(answer.body)


def length_of_a_terabyte(wire: Wire, answer: Answer, options: Options) -> None:
    wire.send_head(answer, Content_Length=str(1 << 40))
    wire.send(answer.body)


def without_length(wire: Wire, answer: Answer, options: Options) -> None:
    wire.send_head(answer)
    wire.send(answer.body)


def cut_without_length(wire: Wire, answer: Answer, options: Options) -> None:
    content = answer.body
    wire.send_head(answer)
    wire.send(content[: len(content) // 2])


def chunked(wire: Wire, answer: Answer, options: Options) -> None:
    wire.send_head(answer, Transfer_Encoding="chunked")
    for start in range(0, len(answer.body), CHUNK):
        wire.send(_chunk(answer.body[start : start + CHUNK]))
    wire.send(b"0\r\n\r\n")


def chunked_cut_off(wire: Wire, answer: Answer, options: Options) -> None:
    content = answer.body
    half = _chunk(content[: len(content) // 2])
    wire.send_head(answer, Transfer_Encoding="chunked")
    wire.send(half + _chunk(content[len(content) // 2 :])[:-7])


def not_http(wire: Wire, answer: Answer, options: Options) -> None:
    wire.send(b"\x15\x03\x01\x00\x02\x02\x50 this is not HTTP\r\n\r\n")


def endless(wire: Wire, answer: Answer, options: Options) -> None:
    """Ends when the client leaves, or after `bytes`, so that no test fills a disk."""
    wire.send_head(answer, Transfer_Encoding="chunked")
    wire.send(_chunk(answer.body))
    sent = 0
    while sent < options["bytes"]:
        wire.send(_chunk(ENDLESS_FILLER))
        sent += len(ENDLESS_FILLER)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


_RESET = "The connection is reset"

FAULTS: tuple[Fault, ...] = (
    Fault(
        "refuse",
        "Connections are refused from right before the call is expected, for `seconds` (None: until cleared; 1 s "
        "with on_call).",
        ROUTES,
        carried_out=False,
        refuses=True,
        options={"seconds": None},
    ),
    Fault(
        "reset-before-body",
        f"{_RESET} when the request's head is read and nothing of its body.",
        POSTS,
        carried_out=False,
        body=BodyFate.RESET_BEFORE,
    ),
    Fault(
        "reset-during-body",
        f"{_RESET} when half of the request's body is read.",
        POSTS,
        carried_out=False,
        body=BodyFate.RESET_DURING,
    ),
    *paired(
        "reset-before-answer",
        f"{_RESET} when the request is read whole and nothing is answered.",
        ROUTES,
        deliver=break_before,
    ),
    *paired("reset-during-answer", f"{_RESET} when half of the answer is sent.", ROUTES, deliver=break_midway),
    *paired("hang-up", "The connection is closed in order, without an answer.", ROUTES, deliver=hang_up),
    *paired(
        "stall",
        "No byte for `seconds`, then the answer.",
        ROUTES,
        deliver=stall_before,
        options={"seconds": STALL_S},
    ),
    *paired(
        "stall-then-reset",
        "No byte for `seconds`, then the connection is reset.",
        ROUTES,
        deliver=stall_and_break,
        options={"seconds": STALL_S},
    ),
    *paired(
        "stall-midway",
        "Half of the answer, then no byte for `seconds`, then the rest.",
        ROUTES,
        deliver=stall_midway,
        options={"seconds": STALL_S},
    ),
    Fault(
        "drip",
        "The answer comes whole, but a few bytes at a time over `seconds`.",
        ROUTES,
        deliver=drip,
        options={"seconds": DRIP_S},
        harmless=True,
    ),
    *paired("short-body", "The answer ends before the length it announced.", ROUTES, deliver=short_body),
    *paired("length-too-small", "The announced length is half of what is sent.", ROUTES, deliver=length_too_small),
    *paired("length-not-a-number", "Content-Length is not a number.", ROUTES, deliver=length_not_a_number),
    Fault(
        "without-length",
        "The answer has no length and ends with the connection.",
        ROUTES,
        deliver=without_length,
        harmless=True,
    ),
    *paired(
        "cut-without-length",
        "The answer has no length and ends, with the connection, in its middle.",
        ROUTES,
        deliver=cut_without_length,
    ),
    Fault("chunked", "The answer comes in chunks.", ROUTES, deliver=chunked, harmless=True),
    *paired("chunked-cut-off", "The answer comes in chunks and ends inside one.", ROUTES, deliver=chunked_cut_off),
    *paired("not-http", "What is answered is not HTTP.", ROUTES, deliver=not_http),
    Fault("length-terabyte", "A body of a terabyte is announced.", BINARY, deliver=length_of_a_terabyte),
    Fault(
        "endless-body",
        "The body never ends (`bytes` of filler at most, then it is cut off).",
        BINARY,
        deliver=endless,
        options={"bytes": 1 << 32},
    ),
)
