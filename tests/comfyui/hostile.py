"""Words that a provider, a host or a workflow may hold, and answers of the sandbox that hold them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..faults import Answer, Call, Fault, Sandbox, Wire
from .ui_page import EVIL

SUBMIT, STATUS, RESULT, MEDIA = "runcomfy/submit", "runcomfy/status", "runcomfy/result", "media"
MARKUP = (
    f'<img src=x onerror="broken=1"><script>broken=1</script> [[top up|https://{EVIL}/]] [x](http://{EVIL}) '
    f"![y](https://{EVIL}/y.png) _test_00001_.mp4"
)
"""A script, pictures and links in HTML, Markdown and ComfyUI's own way; then a name with underscores."""
CHINESE = "\u5185\u5bb9\u8fdd\u89c4 \U0001f6ab"


def answers(provider: Sandbox, route: str, answer: Answer, times: int | None = None) -> None:
    """So often, or from now on, the provider answers so there, and does nothing else."""

    def alter(usual: Answer, call: Call) -> Answer:
        return answer

    provider.faults.set(route, Fault("words", "Words of a test.", (route,), False, alter=alter), times=times)


def refuses(provider: Sandbox, words: str) -> None:
    """The provider refuses submissions with these words, as code and as message."""
    answers(provider, SUBMIT, Answer.of({"error_code": words, "error_message": words}, 400))


def job_fails(provider: Sandbox, request_id: str, words: str) -> None:
    """The provider accepts a job under this id; it fails with these words."""
    answers(provider, SUBMIT, Answer.of({"request_id": request_id, "status": "in_queue"}, 202))
    for route in (STATUS, RESULT):
        answers(provider, route, Answer.of({"request_id": request_id, "status": "failed", "error": words}))


def redirects(provider: Sandbox, words: str) -> None:
    """The provider answers submissions with a redirect to these words, which its status line says, too."""

    def deliver(wire: Wire, answer: Answer, options: Mapping[str, Any]) -> None:
        head = f"HTTP/1.1 302 {words}\r\nLocation: {words}\r\nContent-Length: 0\r\n\r\n"
        wire.send(head.encode("latin-1"))

    provider.faults.set(SUBMIT, Fault("words", "Words of a test.", (SUBMIT,), False, deliver=deliver))


def sends_no_clip(provider: Sandbox, words: str) -> None:
    """The media host sends something that it calls by these words."""
    answers(provider, MEDIA, Answer(200, b"no clip", {"Content-Type": f"text/{words}"}))


def tells_state(provider: Sandbox, word: str) -> None:
    """The provider once calls a job's state by this word."""
    answers(provider, STATUS, Answer.of({"status": word}), times=1)
