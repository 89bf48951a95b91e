"""What an account has left, as RunComfy says it: `{balance_usd, balance_microdollars, currency}`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

FIGURES: Mapping[str, float] = {"balance_usd": 1.0, "balance_microdollars": 1e-6}
"""Where a balance stands, and what one of it is, USD; the first that can be read counts."""
US_DOLLARS = ("USD", "US$", "$")


def balance_in(body: Mapping[str, Any]) -> float | None:
    """The balance in an answer, USD; None when there is none that can be read, or it is in another currency."""
    inner = body.get("data")
    said: Mapping[str, Any] = {**inner, **body} if isinstance(inner, Mapping) else body
    currency = said.get("currency")
    if currency and not (isinstance(currency, str) and currency.strip().upper() in US_DOLLARS):
        return None
    read = (_number(said.get(name), unit) for name, unit in FIGURES.items())
    return next((usd for usd in read if usd is not None), None)


def _number(value: Any, unit: float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value) * unit
    except (ValueError, OverflowError):
        return None
    return round(number, 6) if math.isfinite(number) else None
