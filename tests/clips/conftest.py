"""What the tests of clips share."""

from __future__ import annotations

from pathlib import Path

import pytest

from .downloader import Downloader


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """An output folder, as the pack looks at it: without links."""
    folder = tmp_path / "output"
    folder.mkdir()
    return folder.resolve()


@pytest.fixture
def downloader(tmp_path: Path) -> Downloader:
    return Downloader(tmp_path / "clip.part")
