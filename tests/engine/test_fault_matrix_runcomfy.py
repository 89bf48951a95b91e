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
    stop_stories,
    stories,
)
from .fault_stories import Stories

__all__ = ["clip", "folders", "ledger_url", "stop_stories", "stories"]
TOLD_WITHIN_S = 1200
CASES = [case for case in cases() if case.provider == RUNCOMFY]
CANCELS = [case for case in cancel_cases() if case.provider == RUNCOMFY]


@pytest.mark.timeout(TOLD_WITHIN_S)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_fault_ends_as_the_design_says_and_nothing_is_paid_twice(case: Case, stories: Stories, clip: bytes):
    a_fault_ends_as_the_design_says_and_nothing_is_paid_twice(case, stories, clip)


@pytest.mark.timeout(TOLD_WITHIN_S)
@pytest.mark.parametrize("case", CANCELS, ids=lambda case: case.id)
def test_a_cancel_at_fault_never_hides_a_job_that_goes_on(case: Case, stop_stories: Stories, clip: bytes):
    a_cancel_at_fault_never_hides_a_job_that_goes_on(case, stop_stories, clip)
