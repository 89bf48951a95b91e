"""The matrix: every fault of the sandbox's menu, at every step where it can happen, at both providers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..faults import Fault, FaultBoard
from . import expected
from .expected import Outcome
from .fault_runner import LARGEST_CLIP, STALL_S

RUNCOMFY, COMETAPI = "runcomfy", "cometapi"
SUBMIT, STATUS, RESULT, CONTENT, DOWNLOAD, CANCEL = "submit", "status", "result", "content", "download", "cancel"

ROUTES = {
    (RUNCOMFY, SUBMIT): "runcomfy/submit",
    (RUNCOMFY, STATUS): "runcomfy/status",
    (RUNCOMFY, RESULT): "runcomfy/result",
    (RUNCOMFY, DOWNLOAD): "media",
    (RUNCOMFY, CANCEL): "runcomfy/cancel",
    (COMETAPI, SUBMIT): "comet/create",
    (COMETAPI, STATUS): "comet/retrieve",
    (COMETAPI, RESULT): "comet/retrieve",
    (COMETAPI, CONTENT): "comet/content",
    (COMETAPI, DOWNLOAD): "media",
}
"""RunComfy has no route for the content itself; CometAPI has no cancel, and one route for status and result."""

BESIDE = {
    (COMETAPI, CONTENT): (("comet/retrieve", "variant-no-video-url", None),),
    (COMETAPI, DOWNLOAD): (("comet/content", "media-404", None),),
}
"""What else is wrong, so that the step under test is the one that counts: (route, fault, on_call)."""

SECONDS = {"drip": 0.3}
WAITS_S = 1
SHUT_S = 0.1
BYTES = {"json-huge": 17 * 2**20, "json-gzip-bomb": 64 * 2**20, "endless-body": 4 * LARGEST_CLIP}


@dataclass(frozen=True)
class Case:
    """One fault at one step.

    Args:
        passing: it hits one call and is gone; else it lasts until the first run has ended.
        outcome: how the first run has to end, and what a second one does.
        second_address: the clip can be had at another address, where nothing is wrong (CometAPI's content route).
    """

    provider: str
    step: str
    fault: Fault
    passing: bool
    outcome: Outcome
    second_address: bool = False

    @property
    def id(self) -> str:
        lasts = "passing" if self.passing else "second-address" if self.second_address else "lasting"
        return f"{self.provider}-{self.step}-{self.fault.name}-{lasts}"

    @property
    def route(self) -> str:
        again = self.fault.refuses and (self.provider, self.step) == (COMETAPI, RESULT)
        return ROUTES[self.provider, SUBMIT if again else self.step]

    @property
    def beside(self) -> tuple[tuple[str, str, int | None], ...]:
        broken_first = ((self.route, "reset-during-answer", 1),) if self.fault.name in expected.RESUMED else ()
        else_wrong = () if self.second_address else BESIDE.get((self.provider, self.step), ())
        return (*else_wrong, *broken_first)

    @property
    def is_slow(self) -> bool:
        """Whether it waits for seconds, so that it had better begin early."""
        return self.is_stalled or "retry-after" in self.fault.name

    @property
    def is_stalled(self) -> bool:
        """Whether nothing but the engine's patience ends the call."""
        return "stall" in self.fault.name

    @property
    def options(self) -> dict[str, Any]:
        name = self.fault.name.partition(":")[0]
        if name in BYTES:
            return {"bytes": BYTES[name]}
        if "seconds" not in self.fault.options:
            return {}
        if "retry-after" in name:
            return {"seconds": WAITS_S}
        if self.fault.refuses:
            return {"seconds": SHUT_S if self.passing else None}
        return {"seconds": SECONDS.get(name, STALL_S)}


def cases() -> Iterator[Case]:
    """All of them but those about cancelling."""
    for (provider, step), route in ROUTES.items():
        for fault in FaultBoard.menu(route):
            if step != CANCEL:
                yield from _cases_of(provider, step, fault)
            if (provider, step) == (COMETAPI, DOWNLOAD) and not fault.refuses:
                yield Case(provider, step, fault, False, expected.CLIP, second_address=True)


def cancel_cases() -> Iterator[Case]:
    """Stop is pressed while the job is queued; the outcome here is what the answer to the cancel tells."""
    for fault in FaultBoard.menu(ROUTES[RUNCOMFY, CANCEL]):
        outcome = expected.CANCELLED if expected.is_cancelled(fault) else expected.STILL_RUNNING
        yield Case(RUNCOMFY, CANCEL, fault, False, outcome)


def matrix_size() -> str:
    """The matrix in words, for the counts."""
    faults = {fault.name for route in ROUTES.values() for fault in FaultBoard.menu(route)}
    steps, providers = {step for _, step in ROUTES}, {provider for provider, _ in ROUTES}
    return f"fault matrix: {len(faults)} faults x {len(steps)} steps x {len(providers)} providers, wherever they can be"


def _cases_of(provider: str, step: str, fault: Fault) -> Iterator[Case]:
    lasting = Case(provider, step, fault, False, _outcome(provider, step, fault, passing=False))
    yield lasting
    if step == SUBMIT:
        if lasting.outcome in (expected.BUSY, expected.UNREACHABLE):
            yield Case(provider, step, fault, True, expected.CLIP)
    elif not fault.harmless and fault.name not in expected.RESUMED and lasting.outcome is not expected.CLIP:
        yield Case(provider, step, fault, True, _outcome(provider, step, fault, passing=True))


def _outcome(provider: str, step: str, fault: Fault, *, passing: bool) -> Outcome:
    if step == SUBMIT:
        return expected.after_submission(fault)
    if step in (CONTENT, DOWNLOAD):
        return expected.while_fetching(
            fault, passing=passing, has_other_address=step == DOWNLOAD and provider == COMETAPI
        )
    if (provider, step) == (COMETAPI, RESULT):
        return expected.asking_for_addresses(fault, passing=passing)
    is_comet, is_status = provider == COMETAPI, (provider, step) == (RUNCOMFY, STATUS)
    return expected.while_waiting(fault, passing=passing, has_content_route=is_comet, looks_at_result=is_status)
