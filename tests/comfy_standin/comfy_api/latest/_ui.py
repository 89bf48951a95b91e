"""What a node shows on itself."""

from __future__ import annotations

from ._io import FolderType


class SavedResult(dict[str, str]):
    """A file the browser can ask for through /view."""

    def __init__(self, filename: str, subfolder: str, type: FolderType) -> None:
        super().__init__(filename=filename, subfolder=subfolder, type=type.value)


class PreviewVideo:
    """A player on the node."""

    def __init__(self, values: list[SavedResult | dict[str, str]], **kwargs: object) -> None:
        self.values = values

    def as_dict(self) -> dict[str, object]:
        """What is sent to the browser."""
        return {"images": self.values, "animated": (True,)}
