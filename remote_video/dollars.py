"""How an amount of money is written."""

from __future__ import annotations


def dollars(usd: float) -> str:
    """Such as "$1.12"; with up to four places where there are parts of a cent."""
    whole, _, places = f"{abs(usd):.4f}".partition(".")
    return f"{'-' if usd < 0 else ''}${whole}.{places[:2]}{places[2:].rstrip('0')}"
