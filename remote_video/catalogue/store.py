"""The catalogue as this machine knows it: a file for each provider's address, else the snapshot that ships.

No model is forgotten: one that is no longer listed stays in the file with its schema, as retired. Files are replaced in
one step, so that any number of processes may write and read.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..private_file import write_private
from ..providers import PROVIDERS
from .catalogue import Catalogue, published_snapshot, snapshot
from .entry import Entry, Unreadable

LAYOUT = 1
USUAL_ENDPOINT = PROVIDERS["runcomfy"].base_url
MOST_FILE_BYTES = 64 * 2**20
Models = dict[str, Mapping[str, Any]]
"""Objects as published, by id."""
Retired = dict[str, tuple[Mapping[str, Any], float]]

_log = logging.getLogger("remote_video")
_known: dict[Path, tuple[tuple[int, int], Catalogue]] = {}
_knowing = threading.Lock()


def known(home: Path, endpoint: str = USUAL_ENDPOINT) -> Catalogue:
    """The catalogue that was asked for last, else the one that ships. Never raises because of the file's content.

    Cheap: the same object for as long as its file is the same.

    Args:
        home: the pack's own folder.
        endpoint: whose it is, as `Settings.endpoint` names it: a stand-in's is kept apart from the provider's.
    """
    path = file_of(home, endpoint)
    try:
        info = path.stat()
    except OSError:
        return snapshot()
    signature = (info.st_mtime_ns, info.st_size)
    with _knowing:
        there = _known.get(path)
        if there is None or there[0] != signature:
            there = _known[path] = (signature, _read(path))
        return there[1]


def file_of(home: Path, endpoint: str) -> Path:
    """Where the catalogue of that endpoint is kept."""
    tag = "" if endpoint == USUAL_ENDPOINT else f"-{hashlib.sha256(endpoint.encode()).hexdigest()[:12]}"
    return home / f"catalogue{tag}.json"


def keep(path: Path, models: Sequence[Any], trouble: str = "") -> str:
    """Write what was listed, and what no longer is; what there is to say of it.

    Args:
        path: as `file_of` names it.
        models: the objects as published.
        trouble: why there may be more; "" when that is all.

    Raises:
        ValueError: no model is named: that replaces nothing.
        NotPrivate, OSError: it can't be written.
    """
    listed = _by_id(models, lambda one: one)
    if not listed:
        raise ValueError("the listing names no model")
    before, retired = _content(path)
    former = {**before, **{model_id: one for model_id, (one, _) in retired.items()}}
    now = {model_id: _with_schema(one, former.get(model_id)) for model_id, one in listed.items()}
    left = {model_id: one for model_id, one in before.items() if model_id not in now}
    if trouble:  # what it doesn't have may be on the pages that didn't come
        now.update(left)
        left = {}
    retired.update({model_id: (one, time.time()) for model_id, one in left.items()})
    content = {
        "layout": LAYOUT,
        "asked_at": time.time(),
        "models": list(now.values()),
        "retired": [{"at": at, "model": one} for model_id, (one, at) in retired.items() if model_id not in now],
    }
    write_private(path, json.dumps(content).encode())
    catalogue = Catalogue.of(models)
    words = [f"{len(Catalogue.of(now.values()).videos)} video models of {len(now)}"]
    words += [f"new: {len(now.keys() - former.keys())}"] if now.keys() - former.keys() else []
    words += [f"no longer listed: {len(left)}"] if left else []
    words += [f"not whole ({trouble})"] if trouble else []
    words += [f"left out: {'; '.join(catalogue.left_out[:3])}"] if catalogue.left_out else []
    return ", ".join(words)


def _with_schema(one: Mapping[str, Any], former: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """A model that is listed without its schema keeps the last one known."""
    if former is None or isinstance(one.get("input_schema"), Mapping):
        return one
    return {**one, "input_schema": former.get("input_schema")}


def _read(path: Path) -> Catalogue:
    """The file's catalogue; the snapshot, and a line in the log, where it is damaged."""
    try:
        content = _decoded(path)
        retired = [(one["model"], float(one["at"])) for one in content["retired"]]
        catalogue = Catalogue.of(content["models"], float(content["asked_at"]), retired)
        if catalogue.entries:
            return catalogue
        why = "it names no model"
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        why = f"{type(error).__name__}: {error}"
    _log.warning("%s can't be read (%s): the catalogue that ships with the pack is used.", path, why)
    return snapshot()


def _content(path: Path) -> tuple[Models, Retired]:
    """What is listed and what is retired by the file; without one, or with a damaged one, by the snapshot."""
    try:
        content = _decoded(path)
        listed = _by_id(content["models"], lambda one: one)
        return listed, {
            model_id: (one["model"], float(one["at"]))
            for model_id, one in _by_id(content["retired"], lambda one: one["model"]).items()
        }
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return _by_id(published_snapshot(), lambda one: one), {}


def _decoded(path: Path) -> Mapping[str, Any]:
    with path.open("rb") as file:
        content = json.loads(file.read(MOST_FILE_BYTES))
    if not isinstance(content, dict) or content.get("layout") != LAYOUT:
        raise ValueError(f"it is not of layout {LAYOUT}")
    return content


def _by_id(objects: Any, model_in: Callable[[Any], Any]) -> Models:
    """Readable objects by the id of the model in them; of two of one id the first."""
    found: Models = {}
    for one in objects:
        try:
            found.setdefault(Entry.read(model_in(one)).model_id, one)
        except Unreadable:
            continue
    return found
