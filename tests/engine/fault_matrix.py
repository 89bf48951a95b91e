"""Every fault x every step x both providers: the run ends as the design's table says, and nothing is paid twice.

A file of tests for each provider takes these, so that two processes can tell the runs side by side.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from counts import count
from remote_video_pack.remote_video.errors import RemoteVideoError, Stopped
from remote_video_pack.remote_video.ledger.lifecycle import State

from .expected import CANCELLED, Afterwards
from .fault_cases import Case, matrix_size
from .fault_runner import Ending, clip_bytes
from .fault_runs import (
    KEY,
    CaseRun,
    CaseRuns,
    run_with_and_without,
    selected,
    stop_in_the_queue,
    what_became_of_it,
)

MATRIX = matrix_size()
OTHER_BYTES: dict[str, Callable[[bytes], bytes]] = {
    "trailing-bytes": lambda clip: clip + b"Bytes that are no box. " * 50,
    "unknown-codec": lambda clip: clip.replace(b"avc1", b"xyz1"),
}
"""What the provider sends in place of the clip that is one all the same, by fault: it is kept as it came."""
BESIDE = {
    "variant-more-files": (b"\x00\x00\x00\x10free" + bytes(8), [".png"]),
    "variant-output-image-too": (b"", [".png"]),
}
"""What ends the second video that the provider sends besides, and the endings of what else there is, by fault."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return clip_bytes(tmp_path_factory.mktemp("clip") / "clip.mp4")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, folder_in_memory: Path) -> tuple[Path, Path]:
    """One that all processes of this test run share (pytest-xdist), and one of this process."""
    base = tmp_path_factory.getbasetemp()
    shelf = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "fault-matrix"
    shelf.mkdir(exist_ok=True)
    return shelf, folder_in_memory


@pytest.fixture(scope="module")
def ledger_url() -> str | None:
    """Where the ledger is; None: in a file."""
    return None


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest, folders: tuple[Path, Path], clip: bytes, ledger_url: str | None) -> CaseRuns:
    chosen = [case for case in selected(request) if case.step != "cancel"]
    return CaseRuns(*folders, clip, chosen, run_with_and_without, ledger_url)


@pytest.fixture(scope="module")
def stop_runs(
    request: pytest.FixtureRequest, folders: tuple[Path, Path], clip: bytes, ledger_url: str | None
) -> CaseRuns:
    chosen = [case for case in selected(request) if case.step == "cancel"]
    return CaseRuns(*folders, clip, chosen, stop_in_the_queue, ledger_url)


def a_fault_ends_as_the_design_says_and_nothing_is_paid_twice(case: Case, runs: CaseRuns, clip: bytes) -> None:
    run, outcome = runs.of(case), case.outcome
    first, second, third = run.first, run.second, run.third

    assert_ended(first, outcome.error, outcome.state)
    assert first.posts <= 1
    if outcome.afterwards is Afterwards.SAME_JOB:
        assert_ended(second, None, State.STORED)
        assert second.posts == first.posts == 1
        assert second.clip and second.clip.reused
    elif outcome.afterwards is Afterwards.ANEW:
        assert_ended(second, None, State.STORED)
        assert second.posts == first.posts + 1
    else:
        assert_ended(second, outcome.error, outcome.state)
        assert second.posts == first.posts
        assert third is not None
        assert_ended(third, None, State.STORED)
        assert third.posts == first.posts + 1

    assert_one_whole_clip_and_no_key_told(run, case, clip)
    count(MATRIX)


def a_cancel_at_fault_never_hides_a_job_that_goes_on(case: Case, stop_runs: CaseRuns, clip: bytes) -> None:
    run = stop_runs.of(case)
    first, second = run.first, run.second
    is_told = case.outcome is CANCELLED

    assert isinstance(first.error, Stopped), f"{type(first.error).__name__}: {first.error}"
    assert first.record is not None and first.record.request_id
    said = what_became_of_it(first.heard)
    assert first.record.request_id in said
    says_cancelled = "was cancelled" in said
    assert says_cancelled or not is_told
    assert run.cancelled_at_server or not says_cancelled
    assert (first.record.state is State.CANCELLED) is run.cancelled_at_server
    assert first.posts == 1
    assert_ended(second, None, State.STORED)
    assert second.posts == (2 if run.cancelled_at_server else 1)

    assert_one_whole_clip_and_no_key_told(run, case, clip)
    count(MATRIX)


def assert_ended(ending: Ending, error: type[RemoteVideoError] | None, state: State) -> None:
    """It ended like that, the ledger says so, and the message has all its parts."""
    if error is None:
        assert ending.error is None, f"{type(ending.error).__name__}: {ending.error}"
    else:
        assert isinstance(ending.error, error), f"{type(ending.error).__name__}: {ending.error}"
        assert ending.error.what.strip() and ending.error.billed.sentence and ending.error.next_step.strip()
        request_id = ending.record.request_id if ending.record else None
        assert ending.error.request_id == request_id
        assert request_id is None or request_id in str(ending.error)
    assert ending.record is not None
    assert ending.record.state is state


def assert_one_whole_clip_and_no_key_told(run: CaseRun, case: Case, clip: bytes) -> None:
    as_sent = OTHER_BYTES.get(case.fault.name, bytes)(clip)
    second, others = BESIDE.get(case.fault.name, (b"", []))
    beside = [hashlib.sha256(clip + second).hexdigest()] if second else []
    assert sorted(run.clips) in [sorted([hashlib.sha256(one).hexdigest(), *beside]) for one in (clip, as_sent)]
    assert [name[-4:] for name in run.left_over] == others
    assert run.keys_elsewhere == 0
    assert KEY not in run.heard
