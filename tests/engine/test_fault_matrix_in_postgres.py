"""The fault matrix with the ledger in PostgreSQL: each fault once, at one step of one provider; `make soak` has all."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from .fault_cases import Case, cancel_cases, cases
from .fault_matrix import (
    a_cancel_at_fault_never_hides_a_job_that_goes_on,
    a_fault_ends_as_the_design_says_and_nothing_is_paid_twice,
    clip,
    runs,
    stop_runs,
)
from .fault_runs import CaseRuns

__all__ = ["clip", "runs", "stop_runs"]
SOAK = bool(os.environ.get("REMOTE_VIDEO_SOAK"))
TOLD_WITHIN_S = 1200


def spread(all_of_them: list[Case]) -> list[Case]:
    """Each fault once, with the steps and providers in turns."""
    by_fault: dict[str, list[Case]] = defaultdict(list)
    for case in all_of_them:
        by_fault[case.fault.name].append(case)
    return [found[number % len(found)] for number, found in enumerate(by_fault.values())]


CASES, CANCELS = list(cases()), list(cancel_cases())
if not SOAK:
    CASES, CANCELS = spread(CASES), CANCELS[::8]


@pytest.fixture(scope="module")
def ledger_url(postgres) -> Iterator[str]:
    with postgres.database() as name:
        yield postgres.url(name)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, folder_in_memory: Path) -> tuple[Path, Path]:
    """What is told here is told of this database alone."""
    return tmp_path_factory.mktemp("shelf"), folder_in_memory


@pytest.mark.timeout(TOLD_WITHIN_S)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_fault_ends_as_the_design_says_and_nothing_is_paid_twice(case: Case, runs: CaseRuns, clip: bytes):
    a_fault_ends_as_the_design_says_and_nothing_is_paid_twice(case, runs, clip)


@pytest.mark.timeout(TOLD_WITHIN_S)
@pytest.mark.parametrize("case", CANCELS, ids=lambda case: case.id)
def test_a_cancel_at_fault_never_hides_a_job_that_goes_on(case: Case, stop_runs: CaseRuns, clip: bytes):
    a_cancel_at_fault_never_hides_a_job_that_goes_on(case, stop_runs, clip)
