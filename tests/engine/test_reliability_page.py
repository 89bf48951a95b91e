"""docs/reliability.md says what the code does: its table is the lifecycle's own."""

from __future__ import annotations

from pathlib import Path

from remote_video_pack.remote_video.ledger.lifecycle import ON_RUN, TRANSITIONS, State

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"


def table() -> str:
    """The lifecycle as the page has it."""
    lines = ["| state | what it means | Run | what can happen then |", "|---|---|---|---|"]
    for state, events in TRANSITIONS.items():
        meaning = state.sentence if isinstance(state, State) else "nobody has asked for it yet"
        then = ", ".join(f"{event.value} -> `{after.value}`" for event, after in events.items())
        lines.append(f"| `{state.value if state else 'new'}` | {meaning} | {ON_RUN[state].value} | {then} |")
    return "\n".join(lines)


def test_the_pages_table_is_the_lifecycles():
    assert table() in PAGE.read_text(encoding="utf-8"), f"put this into {PAGE.name}:\n{table()}"
