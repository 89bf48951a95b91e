"""The fault matrix of RunComfy."""

from __future__ import annotations

import pytest

from .fault_cases import RUNCOMFY, Case, cancel_cases, cases
from .fault_matrix import (
    a_cancel_at_fault_never_hides_a_job_that_goes_on,
    a_fault_ends_as_the_design_says_and_nothing_is_paid_twice,
    clip,
    folders,
    ledger_url,
    runs,
    stop_runs,
)
from .fault_runs import CaseRuns

__all__ = ["clip", "folders", "ledger_url", "runs", "stop_runs"]
TOLD_WITHIN_S = 1200
CASES = [case for case in cases() if case.provider == RUNCOMFY]
CANCELS = [case for case in cancel_cases() if case.provider == RUNCOMFY]


@pytest.mark.timeout(TOLD_WITHIN_S)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_fault_ends_as_the_design_says_and_nothing_is_paid_twice(case: Case, runs: CaseRuns, clip: bytes):
    a_fault_ends_as_the_design_says_and_nothing_is_paid_twice(case, runs, clip)


@pytest.mark.timeout(TOLD_WITHIN_S)
@pytest.mark.parametrize("case", CANCELS, ids=lambda case: case.id)
def test_a_cancel_at_fault_never_hides_a_job_that_goes_on(case: Case, stop_runs: CaseRuns, clip: bytes):
    a_cancel_at_fault_never_hides_a_job_that_goes_on(case, stop_runs, clip)
