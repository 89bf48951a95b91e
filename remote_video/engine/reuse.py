"""A clip that was made before: from this machine's disk, or from the clip store, without its provider.

What a record says of paths is said of the machine that saved the clip. Another one that has a copy finds it by its hash
each time and writes nothing down, so that two machines that run in turns don't write over each other's paths.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

from ..clips.download import disk_error
from ..clips.output_file import Target, other_part, shared_part
from ..ledger.ledger import Lease
from ..ledger.record import JobRecord, OtherFile
from .fetch import Fetcher
from .saved import copy_here, had_here, others_here, reused
from .sharing import KeptFile
from .tools import Tools


async def had(tools: Tools, lease: Lease, record: JobRecord) -> JobRecord | None:
    """The row of a clip that was saved before, with its files here; None when only the provider can have it.

    Raises:
        DownloadError: the disk takes no copy.
    """
    downloads, order = tools.pools.downloads, tools.order
    path = await tools.call(downloads, partial(had_here, record, order))
    if path is None:
        path = await _from_store(tools, record)
    if path is None:
        return None
    others = await tools.call(downloads, partial(others_here, record, order, clip=path))
    others = [await _other_from_store(tools, record, other, path) for other in others]
    here = partial(reused, lease=lease, record=record, path=path, others=others, order=order)
    return await Fetcher(tools, lease, await tools.keep(here)).complete(path)


async def is_in_store(tools: Tools, record: JobRecord) -> bool:
    """Whether the clip store can be expected to have a clip."""
    if record.sha256 is None or record.bytes is None:
        return False
    return await tools.engine.sharing.has(tools.order.settings, KeptFile(record.sha256, record.bytes))


async def copied_before(tools: Tools) -> JobRecord | None:
    """A clip that another machine saved and of which everything is here, too: to read it takes no lease."""
    order = tools.order
    if order.settings.ledger_url is None:
        return None
    record = await tools.keep(lambda ledger: ledger.get(tools.key))
    if record is None or not record.is_stored or order.settings.is_own(record.saved_on):
        return None
    return await tools.call(tools.pools.downloads, partial(copy_here, record, order))


async def _from_store(tools: Tools, record: JobRecord) -> Path | None:
    if not tools.order.settings.clips_url or record.sha256 is None or record.bytes is None:
        return None
    place = await tools.call(tools.pools.downloads, tools.order.place)
    tools.show("looking in the clip store", record.state, record.request_id)
    return await _brought(tools, record, KeptFile(record.sha256, record.bytes), place, place.part(record.key))


async def _other_from_store(tools: Tools, record: JobRecord, other: OtherFile, clip: Path) -> OtherFile:
    before = next((known.path for known in record.other_files if known.number == other.number), None)
    if other.path or not before or other.sha256 is None or other.bytes is None:
        return other
    place = tools.order.place().beside(clip, other.number, PurePosixPath(before).suffix)
    part = other_part(tools.order.place().part(record.key), other.number)
    path = await _brought(tools, record, KeptFile(other.sha256, other.bytes), place, part)
    return replace(other, path=tools.order.folder.kept(path)) if path else other


async def _brought(tools: Tools, record: JobRecord, file: KeptFile, place: Target, part: Path) -> Path | None:
    settings, sharing, part = tools.order.settings, tools.engine.sharing, shared_part(part)
    if not await sharing.fetch(settings, file, part, tools.order.folder, record):
        return None

    def publish() -> Path:
        try:
            path = place.publish(part)
            part.unlink(missing_ok=True)
        except OSError as error:
            raise disk_error(error, place.folder) from error
        return path

    return await tools.call(tools.pools.downloads, publish)
