"""Jobs put into a ledger by hand, for tests of what looks at one."""

from __future__ import annotations

from typing import Any

from remote_video_pack.remote_video.ledger.ledger import Lease, Ledger
from remote_video_pack.remote_video.ledger.lifecycle import Event
from remote_video_pack.remote_video.ledger.record import NewJob

ENGINE = "an engine of the tests"


def begun(ledger: Ledger, key: str, **job: Any) -> Lease:
    """A job whose submission is about to leave."""
    usual = {
        "provider": "RunComfy",
        "base": "https://model-api.runcomfy.net",
        "model_id": "veo-3",
        "model_name": "Veo 3",
    }
    lease = ledger.acquire(key, ENGINE)
    assert lease is not None
    ledger.begin(lease, NewJob(**{**usual, "seed": 1, **job}))
    return lease


def accepted(ledger: Ledger, key: str, **job: Any) -> Lease:
    """A job that the provider has."""
    lease = begun(ledger, key, **job)
    record = ledger.get(key)
    assert record is not None
    ledger.accepted(
        key, NewJob(**{name: getattr(record, name) for name in NewJob.__dataclass_fields__}), f"id-of-{key}"
    )
    return lease


def happened(ledger: Ledger, lease: Lease, event: Event, **facts: Any) -> None:
    """What happened to it next; nobody works on it afterwards."""
    ledger.record(lease, event, **facts)
    ledger.release(lease)
