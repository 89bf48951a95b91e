"""The takes of nodes, and what a clip was made from, for the page. No HTTP here."""

from __future__ import annotations

import json
from typing import Any

from ..remote_video.clips.output_folder import OutputFolder
from ..remote_video.errors import RequestRefused
from ..remote_video.ledger.ledger import Ledger
from ..remote_video.ledger.paging import Node
from ..remote_video.ledger.record import JobRecord
from ..remote_video.settings import Settings
from .asked import Body, text_of
from .asker import NO_ID
from .comfy_host import output_folder
from .jobs_panel import told

MOST_NODES = 200
"""Asked for at a time."""
MOST_KEYS = 24
MOST_WORKFLOW_BYTES = 32 * 2**20


def takes_view(settings: Settings, body: Body) -> dict[str, Any]:
    """{workflow_id, nodes: [{id, filename_prefix, keys: jobs that the page knows to be the node's}]} ->
    {takes: jobs by node id, starred ones first, then the newest}. Raises RequestRefused, LedgerError.
    """
    ledger, workflow_id = Ledger.of(settings), text_of(body, "workflow_id")
    nodes = body.get("nodes")
    if not isinstance(nodes, list) or len(nodes) > MOST_NODES or not all(isinstance(node, dict) for node in nodes):
        raise RequestRefused(f"The request names no list of nodes, {MOST_NODES} at most.")
    return {"takes": {text_of(node, "id"): told(_takes(ledger, workflow_id, node), settings) for node in nodes}}


def star(settings: Settings, body: Body) -> dict[str, bool]:
    """{key, starred: bool} -> {done: whether there is such a job}. Raises RequestRefused, LedgerError."""
    return {"done": Ledger.of(settings).star(text_of(body, "key"), body.get("starred") is True)}


def workflow_view(settings: Settings, query: Body) -> dict[str, Any]:
    """{key} -> {workflow: the graph it was asked from, or None, node_id, job: or None}. Raises LedgerError."""
    return _origin(Ledger.of(settings).get(text_of(query, "key")), settings)


def file_view(settings: Settings, query: Body) -> dict[str, Any]:
    """{name, size: bytes, sha256: hex, or empty} -> as `workflow_view`. Raises RequestRefused, LedgerError."""
    size = text_of(query, "size")
    if not (size.isascii() and size.isdigit() and len(size) < 16):
        raise RequestRefused("The request names no size of a file.")
    sha256 = text_of(query, "sha256").lower() or None
    return _origin(Ledger.of(settings).of_file(int(size), text_of(query, "name"), sha256), settings)


def _takes(ledger: Ledger, workflow_id: str, node: Body) -> list[JobRecord]:
    known = None if workflow_id in ("", NO_ID) else workflow_id
    takes = ledger.takes(Node(text_of(node, "id"), known, text_of(node, "filename_prefix")))
    keys = [key for key in node.get("keys") or () if isinstance(key, str)][:MOST_KEYS]
    others = [job for job in ledger.several(keys) if job.is_stored] if keys else []
    by_key = {job.key: job for job in (*takes, *others)}
    return sorted(by_key.values(), key=lambda job: (bool(job.starred), job.created_at, job.key), reverse=True)


def _origin(record: JobRecord | None, settings: Settings) -> dict[str, Any]:
    if record is None:
        return {"workflow": None, "node_id": None, "job": None}
    (job,) = told([record], settings)
    return {"workflow": _workflow(record, settings), "node_id": record.node_id or None, "job": job}


def _workflow(record: JobRecord, settings: Settings) -> dict[str, Any] | None:
    """What the ledger keeps until the clip is here, and what lies beside the clip from then on."""
    text = record.sidecar
    folder = OutputFolder(output_folder().resolve(), settings.follow_links)
    clip = folder.file(record.path) if record.output_folder == str(folder.root) else None
    try:
        if text is None and clip is not None:
            beside = folder.file(folder.kept(clip.with_suffix(".json")))
            if beside is not None and beside.stat().st_size <= MOST_WORKFLOW_BYTES:
                text = beside.read_text(encoding="utf-8")
        found = json.loads(text) if text else None
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
