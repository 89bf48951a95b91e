"""The progress bars of the prompt that runs now."""

from __future__ import annotations


class ProgressRegistry:
    """What the nodes of one prompt have shown."""

    def __init__(self, prompt_id: str) -> None:
        self.prompt_id = prompt_id
        self.shown: list[tuple[str, float, float]] = []

    def update_progress(self, node_id: str, value: float, max_value: float, image: object = None) -> None:
        """Show a bar on a node."""
        self.shown.append((node_id, value, max_value))


STATE = ProgressRegistry("")


def get_progress_state() -> ProgressRegistry:
    """The running prompt's."""
    return STATE
