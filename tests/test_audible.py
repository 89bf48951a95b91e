"""What this pack has to say is heard, whatever another pack does to Python's logging."""

from __future__ import annotations

import logging
import logging.config
from collections.abc import Iterator
from pathlib import Path

import pytest
from remote_video_pack.remote_video.uploads.public_origin import PublicOrigin

INI = """
[loggers]
keys=root
[handlers]
keys=
[formatters]
keys=
[logger_root]
level=INFO
handlers=
"""


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """The other loggers, which are really switched off, are there for the tests to come."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    others = [made for made in logging.root.manager.loggerDict.values() if isinstance(made, logging.Logger)]
    were = [made.disabled for made in others]
    yield
    root.setLevel(level)
    root.handlers = handlers
    for made, was in zip(others, were, strict=True):
        made.disabled = was


def set_up_by_dict(tmp_path: Path) -> None:
    logging.config.dictConfig({"version": 1, "loggers": {"theirs": {"level": "INFO"}}})


def set_up_by_file(tmp_path: Path) -> None:
    file = tmp_path / "logging.ini"
    file.write_text(INI, encoding="utf-8")
    logging.config.fileConfig(file)


@pytest.mark.parametrize("set_up", [set_up_by_dict, set_up_by_file])
def test_another_packs_logging_set_up_does_not_silence_this_one(set_up, tmp_path: Path):
    bystander = logging.getLogger("somebody-elses")
    set_up(tmp_path)
    heard: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = heard.append
    logging.getLogger().addHandler(handler)
    transport = PublicOrigin("https://host.example", tmp_path, "shown")
    transport._files.append(tmp_path)
    transport.discard()
    logging.getLogger("remote_video").warning("a line of the engine")
    assert bystander.disabled
    assert [record.getMessage()[:16] for record in heard] == ["Could not remove", "a line of the en"]


def test_levels_stay_the_users():
    logger = logging.getLogger("remote_video")
    logger.setLevel(logging.ERROR)
    try:
        assert not logger.isEnabledFor(logging.INFO)
    finally:
        logger.setLevel(logging.NOTSET)
