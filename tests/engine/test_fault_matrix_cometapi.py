"""The fault matrix of CometAPI, which offers no way to cancel."""

from __future__ import annotations

import pytest

from .fault_cases import COMETAPI, Case, cases
from .fault_matrix import (
    a_fault_ends_as_the_design_says_and_nothing_is_paid_twice,
    clip,
    folders,
    ledger_url,
    stories,
)
from .fault_stories import Stories

__all__ = ["clip", "folders", "ledger_url", "stories"]
TOLD_WITHIN_S = 1200
CASES = [case for case in cases() if case.provider == COMETAPI]


@pytest.mark.timeout(TOLD_WITHIN_S)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_fault_ends_as_the_design_says_and_nothing_is_paid_twice(case: Case, stories: Stories, clip: bytes):
    a_fault_ends_as_the_design_says_and_nothing_is_paid_twice(case, stories, clip)
