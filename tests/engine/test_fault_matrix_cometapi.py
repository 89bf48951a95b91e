"""The fault matrix of CometAPI, which offers no way to cancel."""

from __future__ import annotations

import pytest

from .fault_cases import COMETAPI, Case, cases
from .fault_matrix import (
    a_fault_ends_as_the_design_says_and_nothing_is_paid_twice,
    clip,
    folders,
    ledger_url,
    runs,
)
from .fault_runs import CaseRuns

__all__ = ["clip", "folders", "ledger_url", "runs"]
TOLD_WITHIN_S = 1200
CASES = [case for case in cases() if case.provider == COMETAPI]


@pytest.mark.timeout(TOLD_WITHIN_S)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_fault_ends_as_the_design_says_and_nothing_is_paid_twice(case: Case, runs: CaseRuns, clip: bytes):
    a_fault_ends_as_the_design_says_and_nothing_is_paid_twice(case, runs, clip)
