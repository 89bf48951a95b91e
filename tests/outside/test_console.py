"""Consoles of any encoding print every error of ours."""

from __future__ import annotations

import io
import logging
import sys

import pytest
from remote_video_pack.remote_video.console import never_raise
from remote_video_pack.remote_video.errors import RefusedByProvider


@pytest.mark.parametrize("encoding", ["cp1252", "gbk", "utf-8"])
def test_an_error_that_a_console_cannot_print_is_logged_and_nothing_raises(encoding, monkeypatch):
    raw = io.BytesIO()
    console = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
    handler = logging.StreamHandler(console)
    monkeypatch.setattr(sys, "stderr", console)
    logging.getLogger().addHandler(handler)
    try:
        never_raise()
        try:
            raise RefusedByProvider("\u5185\u5bb9\u8fdd\u89c4 \U0001f6ab \u00e9")
        except RefusedByProvider as error:
            logging.getLogger().exception("!!! %s", error)
    finally:
        logging.getLogger().removeHandler(handler)
    printed = raw.getvalue().decode(encoding)
    assert printed.count("Not billed.") == 2
    assert "Logging error" not in printed
    assert "\\U0001f6ab" in printed or encoding == "utf-8"
