"""`check`: whether what the pack stands on is as it was: the models, keys, balance, clock, disk and decoding here."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from enum import Enum
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from ..accounts import Accounts
from ..catalogue.ask import PROVIDER, ask
from ..catalogue.catalogue import successors
from ..catalogue.drift import differences, drift
from ..catalogue.store import known
from ..clips.shared_store import StoreTrouble, open_store
from ..clips.store_url import VARIABLE
from ..console import say
from ..errors import ModelGone, RemoteVideoError
from ..ledger.migrations import is_older, newer_than_known, newest
from ..media.clip import Clip
from ..models import MODELS, ModelSpec, Request
from ..models.fields import Choice, Flag, Number, Text
from ..models.groups import Repeated
from ..models.kling_elements import Elements
from ..models.media_fields import Footage, Picture
from ..providers import PROVIDERS
from ..providers.client import Connection, connect
from ..providers.http import Api
from ..providers.problem import problem_in
from ..providers.status import TransientError
from ..providers.trial import Verdict as KeyVerdict
from ..providers.trial import verdict_of
from ..settings import Settings, is_here
from .inputs import values_of
from .surroundings import PACK_FOLDER, settings_of

CLOCK_MAY_BE_OFF_S = 300.0
LEAST_FREE_BYTES = 2 * 10**9
MOST_NAMED = 3
SELF_TEST = (64, 48, 5)
"""Width and height, px, and frames of the clip that is made to be decoded."""


class Verdict(Enum):
    """How one thing stands."""

    SAME = "same"
    OK = "ok"
    CHANGED = "changed"
    GONE = "gone"
    WRONG = "wrong"
    NOT_ASKED = "could not ask"
    SKIPPED = "skipped"


BAD = (Verdict.CHANGED, Verdict.GONE, Verdict.WRONG)


@dataclass(frozen=True)
class Line:
    """One thing that was looked at."""

    what: str
    name: str
    verdict: Verdict
    detail: str = ""


def check_command(options: argparse.Namespace) -> int:
    """Print a verdict on each; 0 all as it was, 1 something is not, 2 somebody could not be asked."""
    settings, verdicts = settings_of(options), []
    for line in _lines(settings):
        verdicts.append(line.verdict)
        if options.json:
            print(json.dumps({**asdict(line), "verdict": line.verdict.value}), flush=True)
        else:
            detail = f"  {line.detail}" if line.detail else ""
            say(f"{line.what:8}  {line.verdict.value:13}  {line.name}{detail}", sys.stdout)
    if any(verdict in BAD for verdict in verdicts):
        return 1
    return 2 if Verdict.NOT_ASKED in verdicts or all(verdict is Verdict.SKIPPED for verdict in verdicts[:2]) else 0


def _lines(settings: Settings) -> Iterator[Line]:
    connections: dict[str, Connection] = {}
    for provider in PROVIDERS.values():
        yield _key(provider.id, settings, connections)
    for provider_id, connection in connections.items():
        yield from _account(PROVIDERS[provider_id].name, connection, settings)
    if settings.ledger_url is not None:
        yield from _shared_ledger(settings, settings.ledger_url)
    yield _disk("home", settings.home)
    yield _disk("output", _output_folder())
    with tempfile.TemporaryDirectory() as folder:
        if settings.clips_url:
            yield _clip_store(settings, settings.clips_url, Path(folder))
        yield _decoding(Path(folder))
        yield from _models(settings, connections, Path(folder))


# -- accounts ---------------------------------------------------------------------------------------------------------


def _key(provider_id: str, settings: Settings, connections: dict[str, Connection]) -> Line:
    name, endpoint = PROVIDERS[provider_id].name, settings.endpoint(provider_id)
    try:
        account = Accounts(settings.home).find(provider_id)
        if account is None and not is_here(endpoint):
            return Line("key", name, Verdict.SKIPPED, "there is none; its models are not checked")
        connections[provider_id] = connect(provider_id, settings)
    except RemoteVideoError as error:
        return Line("key", name, Verdict.WRONG, error.what)
    stand_in = f"a stand-in is used ({endpoint})" if is_here(endpoint) else ""
    return Line("key", name, Verdict.OK, stand_in or f"present ({account.source if account else ''})")


def _account(name: str, connection: Connection, settings: Settings) -> Iterator[Line]:
    """Whether the key is accepted, what the clock here is off by, and the balance."""
    path = "/v1/models?limit=1" if name == PROVIDERS[PROVIDER].name else "/models"
    try:
        response = Api(name, connection.base_url, connection.account_key, settings.timeouts).get(path)
    except (TransientError, RemoteVideoError) as trouble:
        yield Line("account", name, Verdict.NOT_ASKED, _why(trouble))
        return
    said = problem_in(response.json(), response.summary).message
    yield {
        KeyVerdict.ACCEPTED: Line("account", name, Verdict.OK, "the key is accepted"),
        KeyVerdict.REFUSED: Line("account", name, Verdict.WRONG, f"the key is not accepted: {said}"),
        KeyVerdict.UNANSWERED: Line("account", name, Verdict.NOT_ASKED, said),
    }[verdict_of(response)]
    yield _clock(name, response.headers.get("Date", ""))
    if name == PROVIDERS[PROVIDER].name:
        yield _balance(name, connection.client.balance_usd)


def _clock(name: str, date: str) -> Line:
    try:
        there = parsedate_to_datetime(date)
        there = there if there.tzinfo else there.replace(tzinfo=timezone.utc)
    except (TypeError, ValueError, IndexError):
        return Line("clock", name, Verdict.SKIPPED, "it sends no date")
    return _clock_line(name, (datetime.now(timezone.utc) - there).total_seconds())


def _clock_line(name: str, off: float) -> Line:
    words = f"this machine is {abs(off):,.0f} s {'ahead' if off > 0 else 'behind'}"
    return Line("clock", name, Verdict.WRONG if abs(off) > CLOCK_MAY_BE_OFF_S else Verdict.OK, words)


def _balance(name: str, ask_for_it: Callable[[], float | None]) -> Line:
    try:
        usd = ask_for_it()
    except (TransientError, RemoteVideoError) as trouble:
        return Line("balance", name, Verdict.NOT_ASKED, _why(trouble))
    return Line("balance", name, Verdict.OK, "not said" if usd is None else f"{usd:,.2f} USD")


# -- the shared ledger ------------------------------------------------------------------------------------------------


def _shared_ledger(settings: Settings, url: str) -> Iterator[Line]:
    """Whether it can be reached, its layout, what the clock here is off by, and who lives. It is only looked at."""
    name = "the shared ledger"
    try:
        from ..ledger.postgres import Postgres

        database = Postgres(url, settings.timeouts)
        name, found = database.name, database.look(settings.timeouts)
    except RemoteVideoError as error:
        yield Line("ledger", name, Verdict.WRONG, f"{error.what} {error.next_step or ''}".rstrip())
        return
    yield Line("ledger", name, Verdict.OK, "it can be reached")
    yield _layout(name, found.layout)
    yield _clock_line(name, found.ahead_s)
    named = [f"{engine_id[:8]} last seen {max(0.0, ago):.0f} s ago" for engine_id, ago in found.alive.items()]
    more = ["..."] if len(named) > MOST_NAMED else []
    words = ": ".join(filter(None, (f"{len(named)} live", ", ".join([*named[:MOST_NAMED], *more]))))
    yield Line("engines", name, Verdict.OK, words)


def _layout(name: str, layout: str | None) -> Line:
    if layout is None:
        return Line("layout", name, Verdict.OK, "there is no ledger in it yet; the first use creates one")
    if newer_than_known(layout):
        words = f"{layout}, of a newer version of the pack: update it on this machine"
        return Line("layout", name, Verdict.WRONG, words)
    if is_older(layout):
        words = (
            f"{layout}, of an earlier version; its first use by a role that may change tables upgrades it to {newest()}"
        )
        return Line("layout", name, Verdict.CHANGED, words)
    return Line("layout", name, Verdict.SAME, layout)


# -- this machine -----------------------------------------------------------------------------------------------------


def _output_folder() -> Path:
    """ComfyUI's, where the pack lies in one; else the current folder, where `make` puts clips."""
    comfyui = PACK_FOLDER.parent.parent / "output"
    return comfyui if PACK_FOLDER.parent.name == "custom_nodes" and comfyui.is_dir() else Path.cwd()


def _disk(name: str, folder: Path) -> Line:
    there = next((path for path in (folder, *folder.parents) if path.exists()), folder)
    try:
        free = shutil.disk_usage(there).free
    except OSError as error:
        return Line("disk", name, Verdict.WRONG, f"{folder}: {error.strerror or error}")
    verdict = Verdict.OK if free >= LEAST_FREE_BYTES else Verdict.WRONG
    return Line("disk", name, verdict, f"{free / 1e9:,.1f} GB are free in {folder}")


def _clip_store(settings: Settings, url: str, folder: Path) -> Line:
    """Write, read and delete a few bytes there."""
    name = VARIABLE
    try:
        store = open_store(url, settings.timeouts)
        name = store.shown
        return Line("clips", name, Verdict.OK, store.probe(folder))
    except RemoteVideoError as error:
        return Line("clips", name, Verdict.WRONG, error.what)
    except StoreTrouble as trouble:
        return Line("clips", name, Verdict.WRONG, str(trouble))


def _decoding(folder: Path) -> Line:
    """Make a small MP4 and decode it, without any program but PyAV."""
    name, width_height_frames = f"PyAV {av.__version__}", SELF_TEST
    try:
        clip = Clip.open(_small_mp4(folder))
        count, height, width, _ = clip.pixels().shape
    except (RemoteVideoError, av.error.FFmpegError, OSError, ValueError) as error:
        return Line("decode", name, Verdict.WRONG, _why(error))
    if (width, height, count) != width_height_frames or clip.warnings:
        return Line("decode", name, Verdict.WRONG, f"{count} frames of {width} x {height}. {' '.join(clip.warnings)}")
    return Line("decode", name, Verdict.OK, f"{count} frames of a clip made here")


def _small_mp4(folder: Path) -> Path:
    (width, height, count), path = SELF_TEST, folder / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264" if "libx264" in av.codecs_available else "mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(count):
            pixels = np.full((height, width, 3), 40 * number, np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


# -- models -----------------------------------------------------------------------------------------------------------


def _models(settings: Settings, connections: dict[str, Connection], folder: Path) -> Iterator[Line]:
    for spec in MODELS:
        if spec.provider in connections:
            yield _fixed(spec, settings, connections[spec.provider], folder)
    if PROVIDER in connections:
        yield from _listed(settings)


def _fixed(spec: ModelSpec, settings: Settings, connection: Connection, folder: Path) -> Line:
    """Whether the provider still takes whatever the node of one model can send."""
    requests, changes = list(_requests(spec, folder)), dict[str, None]()
    try:
        offered = connection.client.offered(requests[0])
    except ModelGone as gone:
        catalogue = known(settings.home, settings.endpoint(spec.provider))
        found = [entry.model_id for entry in successors(catalogue, spec.model_id)[:MOST_NAMED]]
        return Line("model", spec.model_id, Verdict.GONE, f"in its place: {', '.join(found)}" if found else gone.what)
    except (TransientError, RemoteVideoError) as trouble:
        return Line("model", spec.model_id, Verdict.NOT_ASKED, _why(trouble))
    for request in requests:
        changes.update(dict.fromkeys(drift(request.body, offered.get("input_schema"), spec.schema).breaking))
    return Line("model", spec.model_id, Verdict.CHANGED if changes else Verdict.SAME, "; ".join(changes))


def _requests(spec: ModelSpec, folder: Path) -> Iterator[Request]:
    """One with everything a node can send, then one for each end of each input."""
    image, video = folder / "image.png", folder / "clip.mp4"
    if not image.exists():
        _save_image(image)
    element = {"frontal_image": str(image), "reference_images": [str(image)], "video": str(video)}
    given: dict[str, object] = {f.name: "a" for f in spec.fields if isinstance(f, Text) and not f.default}
    given |= {f.name: str(image) for f in spec.fields if isinstance(f, Picture)}
    given |= {f.name: str(video) for f in spec.fields if isinstance(f, Footage)}
    more: dict[str, object] = {f.name: [element] for f in spec.fields if isinstance(f, Elements)}
    more |= {f.name: _groups(f) for f in spec.fields if isinstance(f, Repeated)}
    yield spec.request(values_of(spec, {**given, **more}, folder))
    for field in spec.fields:
        for end in _ends(field):
            yield spec.request(values_of(spec, {**given, field.name: end}, folder))


def _groups(field: Repeated) -> list[dict[str, object]]:
    """As few as there can be, which add up to what they have to."""
    one: dict[str, object] = {f.name: getattr(f, "default", None) or "a" for f in field.of}
    if field.adds_up is not None:
        part, whole = field.adds_up
        one[part] = (whole.default or whole.maximum) / field.fewest
    return [one] * field.fewest


def _ends(field: object) -> Iterable[object]:
    if isinstance(field, Choice):
        return field.choices
    if isinstance(field, Number):
        return (field.minimum, field.maximum)
    if isinstance(field, Flag):
        return (True, False)
    return ("a" * field.max_length,) if isinstance(field, Text) and field.max_length else ()


def _save_image(path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (640, 480), (90, 120, 150)).save(path)


def _listed(settings: Settings) -> Iterator[Line]:
    """The catalogue's video models: as they are listed now, against what the nodes were made of."""
    before, name = known(settings.home, settings.endpoint(PROVIDER)), PROVIDERS[PROVIDER].name
    try:
        listing = ask(settings)
    except (TransientError, RemoteVideoError) as trouble:
        yield Line("model", f"the catalogue of {name}", Verdict.NOT_ASKED, _why(trouble))
        return
    now = type(before).of(listing.models)
    for entry in before.videos:
        live = now.get(entry.model_id)
        if entry.is_retired and live is None:
            continue
        if live is None and listing.trouble:
            yield Line("model", entry.model_id, Verdict.NOT_ASKED, f"the listing is incomplete: {listing.trouble}")
        elif live is None:
            found = [other.model_id for other in successors(now, entry.model_id, entry.kinds)[:MOST_NAMED]]
            words = f"in its place: {', '.join(found)}" if found else ""
            yield Line("model", entry.model_id, Verdict.GONE, words)
        elif live.schema is None:
            yield Line("model", entry.model_id, Verdict.NOT_ASKED, "it is listed without its inputs")
        else:
            changes = differences(live.schema, entry.schema)
            verdict = Verdict.CHANGED if changes else Verdict.SAME
            yield Line("model", entry.model_id, verdict, "; ".join(changes))
    for entry in now.videos:
        if before.get(entry.model_id) is None:
            yield Line("model", entry.model_id, Verdict.OK, "new")


def _why(trouble: BaseException) -> str:
    return trouble.what if isinstance(trouble, RemoteVideoError) else str(trouble)
