"""Loggers that another program's logging set-up does not silence."""

from __future__ import annotations

import logging


def audible(name: str) -> logging.Logger:
    """The logger of that name, for good.

    `logging.config.dictConfig` and `fileConfig`, called by another node pack, switch off every logger that is there and
    that they don't name. Levels, handlers and filters stay whoever's they are.
    """
    logger = logging.getLogger(name)
    kind = type(logger)
    if not issubclass(kind, _Audible):
        logger.__class__ = type("AudibleLogger", (_Audible, kind), {})
    return logger


class _Audible:
    """Never switched off."""

    @property
    def disabled(self) -> bool:
        return False

    @disabled.setter
    def disabled(self, value: bool) -> None:
        return
