"""Loggers that another program's logging set-up does not silence, and whose every line can be printed."""

from __future__ import annotations

import logging

from .outside_text import line, lines

_TRACEBACKS = logging.Formatter()


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
    """Never switched off. What a line quotes of the outside is made visible before any handler sees it."""

    def handle(self, record: logging.LogRecord) -> None:
        record.msg, record.args = line(record.getMessage()), ()
        if record.exc_info and record.exc_info[0] and not record.exc_text:
            record.exc_text = lines(_TRACEBACKS.formatException(record.exc_info))
        super().handle(record)  # type: ignore[misc]

    @property
    def disabled(self) -> bool:
        return False

    @disabled.setter
    def disabled(self, value: bool) -> None:
        return
