"""Stop holds whatever libav does: a decoder that hangs keeps neither the node nor the next Run."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import av
import pytest
from comfy import model_management
from remote_video_pack.nodes import NODES
from remote_video_pack.nodes.comfy_host import the_engine

from .comfy import picture
from .conftest import FRAMES

Veo3I2V = NODES[0]
HANGS_AFTER = 15
"""Packets: enough for the frame that is decoded at opening."""
SOON_S = 20.0


class Libav:
    """Stands in for `av.open`: the first file that is decoded whole hangs after some packets, until it is let go on."""

    def __init__(self) -> None:
        self.hangs, self.goes_on = threading.Event(), threading.Event()
        self.after = 0
        """Packets read of that file once it went on."""
        self.thread: threading.Thread | None = None
        self._open = av.open

    def open(self, *arguments: Any, **options: Any) -> Any:
        return Container(self, self._open(*arguments, **options))


class Container:
    def __init__(self, libav: Libav, container: Any) -> None:
        self._libav, self._container = libav, container

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def __enter__(self) -> Container:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def demux(self, *streams: Any) -> Iterator[av.Packet]:
        libav, is_mine = self._libav, False
        for number, packet in enumerate(self._container.demux(*streams)):
            if number == HANGS_AFTER and not libav.hangs.is_set():
                is_mine, libav.thread = True, threading.current_thread()
                libav.hangs.set()
                libav.goes_on.wait()
            libav.after += is_mine
            yield packet


@pytest.fixture
def libav(monkeypatch) -> Iterator[Libav]:
    stand_in = Libav()
    monkeypatch.setattr(av, "open", stand_in.open)
    yield stand_in
    stand_in.goes_on.set()


@pytest.mark.parametrize("output", [0, 3, 4])
async def test_stop_lets_the_node_go_and_the_next_run_decodes(comfy, sandbox, libav, output):
    wired = {output: "Preview"}
    running = asyncio.create_task(comfy.run(Veo3I2V, wired, image=picture(), prompt="a cat"))
    assert await asyncio.to_thread(libav.hangs.wait, SOON_S)
    model_management.interrupt_current_processing()
    with pytest.raises(model_management.InterruptProcessingException):
        await asyncio.wait_for(running, SOON_S)
    model_management.interrupt_current_processing(False)

    again = await asyncio.wait_for(comfy.run(Veo3I2V, {0: "Preview"}, image=picture(), prompt="a cat"), SOON_S)
    assert again[0].shape[0] == FRAMES
    assert sandbox.accepted_posts == 1

    libav.goes_on.set()
    libav.thread.join(SOON_S)
    assert not libav.thread.is_alive(), "another thread has its place"
    assert libav.after < 5, "nobody waits for the rest"
    third = await asyncio.wait_for(comfy.run(Veo3I2V, {4: "Preview"}, image=picture(), prompt="a cat"), SOON_S)
    assert third[4].shape[0] == 1


async def test_one_that_waits_behind_a_decoder_that_hangs_goes_on_once_that_is_given_up(comfy, sandbox, libav):
    """An error in another node tears the prompt down: the node that decodes is cancelled, its sibling is not yet."""
    engine = the_engine()
    hanging = asyncio.create_task(comfy.run(Veo3I2V, {0: "Preview"}, image=picture(), prompt="a cat"))
    assert await asyncio.to_thread(libav.hangs.wait, SOON_S)
    behind = engine.pools.decoding.start(lambda: "decoded")
    await asyncio.sleep(0.2)
    assert not behind.done(), "memory is counted for one decode at a time"
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging
    assert await asyncio.wait_for(asyncio.wrap_future(behind), SOON_S) == "decoded"
