"""The account at the sandbox: prices in the shape of the real ones, and a balance. Nothing is ever charged."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from .clip_plan import FPS, ClipPlan

BALANCE_USD = 100.0
UNTOLD_USD = 0.1
"""What a second costs at a model whose price the catalogue doesn't tell: it is known afterwards."""
SWITCH_SURCHARGE = 1.5
"""By how much a switch costs that the pricing note names."""


class Account:
    """A balance that stays as it is set, unless it is told to charge."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.balance_usd = BALANCE_USD
        self._charges = False

    def set(self, balance_usd: float, *, charges: bool = False) -> None:
        """Set the balance, USD; with `charges` each accepted submission takes its cost from it."""
        with self._lock:
            self.balance_usd, self._charges = float(balance_usd), charges

    def pay(self, cost_usd: float) -> bool:
        """Whether the balance is enough for a submission."""
        with self._lock:
            if cost_usd > self.balance_usd:
                return False
            self.balance_usd -= cost_usd if self._charges else 0.0
            return True


def cost_of(entry: Mapping[str, Any], inputs: Mapping[str, Any], plan: ClipPlan) -> float:
    """What a clip would cost here, USD. Inputs: with their defaults."""
    price, note = entry.get("base_price_usd"), str(entry.get("pricing_note"))
    if isinstance(price, bool) or not isinstance(price, (int, float)) or not 0 < price < 1e6:
        return round(UNTOLD_USD * max(plan.frames / FPS, 1.0), 4)
    amount = plan.frames / FPS if entry.get("price_unit") == "second" else 1
    dearer = any(value is True and name in note for name, value in inputs.items())
    return round(price * amount * (SWITCH_SURCHARGE if dearer else 1), 4)
