"""A film from the clips that are wired to a node: its clips' input, and the run from values to outputs."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from comfy_api.latest import io

from ..remote_video.console import never_raise
from ..remote_video.engine.saved import save_sidecar
from ..remote_video.engine.threads import DaemonThreads
from ..remote_video.errors import RemoteVideoError, Stopped
from ..remote_video.models.fields import Text
from .asker import NodeAsker
from .clip_node import player, workflow_text
from .comfy_host import keeps_metadata, output_folder, settings, temp_folder, wired_outputs
from .due import note_handed_on, times_due
from .labels import labelled
from .nested import below
from .outputs import DECODED, film_outputs, read_outputs, to_decode

CLIPS = "clips"
MOST = 50
TOLD_EVERY_S = 0.2
_threads = DaemonThreads("join", 1)
"""Encoding uses every core by itself."""


def clips_input() -> io.Input:
    """Sockets for clips, one more as soon as the last is wired; each takes a list as well."""
    field = Text(CLIPS, None, "The clips, in order: one in each socket, or lists of them. 2 to 50 in all.")
    socket = io.Video.Input("clip", optional=True)
    template = io.Autogrow.TemplatePrefix(socket, prefix="clip_", min=2, max=MOST)
    clips: io.Input = io.Autogrow.Input(CLIPS, template=template, optional=True, **labelled(field))
    return clips


def film_fingerprint() -> list[str]:
    """What a cached film depends on besides the inputs: what was decoded, and whether its file is still there."""
    wired = wired_outputs()
    decoded = ["unknown"] if wired is None else [str(slot) for slot in sorted(DECODED & wired)]
    return [f"due {times_due()}", *decoded]


async def make_film_of(hidden: Any, clips: Any, given: Mapping[str, Any]) -> io.NodeOutput:
    """Join what is wired.

    Args:
        clips: by socket, lists of VIDEOs.
        given: the other inputs, each in a list.

    Raises:
        RemoteVideoError: what happened and what to do; the node shows it too.
        InterruptProcessingException: Stop was pressed; nothing is left of the film.
    """
    never_raise()
    node = NodeAsker("Join Clips")
    sockets = {**(clips if isinstance(clips, Mapping) else {}), **below(CLIPS, given)}
    values = {name: value[0] if isinstance(value, list) and value else value for name, value in given.items()}
    needed, is_over = to_decode("auto", wired_outputs()), threading.Event()
    sidecar = workflow_text(hidden) if keeps_metadata() else None

    def check() -> None:
        if is_over.is_set():
            raise Stopped("Nobody waits for these frames any more.")

    work = _threads.start(lambda: _joined(node, list(_in_order(sockets)), values, needed, sidecar, check))
    try:
        film, outputs = await node.unless_stopped(work)
    except RemoteVideoError as error:
        node.fails(error)
        raise
    except BaseException:
        node.ends_early("The run ended before this film was joined. Nothing is left of it.")
        raise
    finally:
        is_over.set()
        _threads.leave(work)
    note_handed_on(film.path)
    return io.NodeOutput(*outputs, ui=player(film.path))


def _in_order(sockets: Mapping[str, Any]) -> Iterator[Any]:
    """The clips of all sockets, by their numbers."""
    for name in sorted(sockets, key=lambda one: int("".join(filter(str.isdigit, one)) or 0)):
        value = sockets[name]
        yield from (one for one in (value if isinstance(value, list) else [value]) if one is not None)


def _joined(
    node: NodeAsker, videos: list[Any], values: Mapping[str, Any], needed: frozenset[int], sidecar: Any, check: Any
) -> Any:
    from ..remote_video.clips.output_folder import OutputFolder
    from ..remote_video.films.fields import read
    from ..remote_video.films.film import Place, make_film
    from .video_part import part_of

    said, told_at = "", 0.0

    def says(words: str) -> None:
        nonlocal said
        said = words
        node.works(words)

    def told(share: float) -> None:
        nonlocal told_at
        if time.monotonic() - told_at >= TOLD_EVERY_S:
            told_at = time.monotonic()
            node.works(said, share)

    wish, prefix = read(values)
    known, folder = settings(), output_folder()
    temp_folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="join-", dir=temp_folder()) as temporary:
        parts = [part_of(video, number, Path(temporary)) for number, video in enumerate(videos, 1)]
        place = Place(known.home, folder, prefix, known.follow_links)
        film = make_film(parts, wish, place, says, told, check)
    save_sidecar(film.path, sidecar, OutputFolder(folder.resolve(), known.follow_links))
    warnings: list[str] = []
    outputs = read_outputs(film.path, "", needed, 0, warnings.append, check)[: len(film_outputs())]
    text = f"{film.path.name}: {len(videos)} clips"
    node.has_joined(film.path.name, text, (*film.notices, *warnings))
    return film, outputs
