"""What the registry says of a published version. Publishing says success even where a version is never offered:
one that its scan finds anything in is "flagged", and ComfyUI-Manager goes on installing the one before it.

Source: https://docs.comfy.org/api-reference/registry; that `include_status_reason` tells the findings is of its users.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote

API = "https://api.comfy.org"
OFFERED = "NodeVersionStatusActive"
WAITING = "NodeVersionStatusPending"
TIMEOUT_S = 30
PAUSE_S = 30
REVIEW = "The text of the request for a review is docs/registry.md."


class Unknown(Exception):
    """The registry could not be asked, or does not know the version; the message says which."""


def verdict(api: str, node: str, version: str, wait_s: float, pause_s: float = PAUSE_S) -> tuple[bool, str]:
    """Whether all is well with the version, and what to say of it.

    Args:
        api: the registry's address.
        node: the pack's name in it.
        version: as X.Y.Z.
        wait_s: how long to ask again while the version's scan is not done, s. A scan may take hours: one that
            is not done then counts as well.
        pause_s: between two questions, s.

    Raises:
        Unknown: the registry gave no answer, or has no such version.
    """
    end = time.monotonic() + wait_s
    while True:
        found = _version(api, node, version)
        status = str(found.get("status"))
        if status == OFFERED:
            return True, f"{node} {version} is offered."
        if status != WAITING:
            return False, f"{node} {version} is NOT offered: {status}.\n{_findings(found)}\n{REVIEW}"
        if time.monotonic() >= end:
            return True, f"{node} {version} is not offered yet: the registry's scan is not done. Ask again later."
        time.sleep(min(pause_s, max(0.0, end - time.monotonic())))


def _version(api: str, node: str, version: str) -> dict[str, Any]:
    address = f"{api}/nodes/{quote(node)}/versions?include_status_reason=true"
    request = urllib.request.Request(address, headers={"Accept": "application/json", "User-Agent": node})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            told = json.load(answer)
    except (OSError, ValueError) as error:
        raise Unknown(f"The registry could not be asked about {node} {version}: {error}") from error
    versions = told.get("versions", []) if isinstance(told, dict) else told
    found = [one for one in versions if isinstance(one, dict) and one.get("version") == version]
    if not found:
        raise Unknown(f"The registry has no {node} {version}: it was not published.")
    return found[0]


def _findings(version: dict[str, Any]) -> str:
    """What the scan found, a line each; as it came, when it is in another form."""
    reason = version.get("status_reason") or "It says no reason."
    try:
        told = json.loads(reason) if isinstance(reason, str) else reason
    except ValueError:
        return str(reason)
    found = told if isinstance(told, list) else [told]
    return "\n".join(f"- {_line(one)}" if isinstance(one, dict) else f"- {one}" for one in found)


def _line(finding: dict[str, Any]) -> str:
    return ", ".join(
        f"{key}: {value}" for key, value in finding.items() if isinstance(value, (str, int, float)) and value
    )
