"""A pool of threads: each call gets one, whatever was left before."""

from __future__ import annotations

import threading

from remote_video_pack.remote_video.engine.threads import DaemonThreads


def test_a_call_that_was_left_keeps_no_later_one_waiting():
    """Calls that begin just as the one before ends were once counted as idle threads."""
    pool, hangs, has_begun = DaemonThreads("test", 1), threading.Event(), threading.Event()
    for number in range(300):
        assert pool.start(lambda number=number: number).result(10) == number
    left = pool.start(lambda: has_begun.set() or hangs.wait())
    assert has_begun.wait(10)
    pool.leave(left)
    assert pool.start(lambda: "came").result(10) == "came"
    hangs.set()
    assert left.result(10)
    assert pool.start(lambda: "again").result(10) == "again"
    pool.end()
