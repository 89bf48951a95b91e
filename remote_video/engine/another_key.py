"""The same clip, paid for under another job key: before the provider's key was changed, or by somebody else.

With a ledger of its own a home is one household: what was paid for under an earlier key is taken over where its file is
here or the provider knows it. Where machines share a ledger, another key may be another account's. Then its clip is not
ours, unless all accounts are said to be one household, or the provider knows the job under our key: that is the same
account with a new key. That such a clip exists is said before another one is paid for.
"""

from __future__ import annotations

import time
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING

from ..errors import AccountError, SettingsError
from ..ledger.ledger import Lease, Ledger
from ..ledger.lifecycle import BRINGS_A_CLIP, State
from ..ledger.record import JobRecord
from ..providers.status import JobState, TransientError
from ..settings import Settings
from .reuse import is_in_store
from .saved import is_anywhere

if TYPE_CHECKING:
    from .tools import Tools


class Reach(Enum):
    """How far this key's account can have a job of another key."""

    NONE = "it is another account's"
    WAIT = "another account's worker brings it home for all"
    SHARED = "it may be used, and stays the other account's"
    OURS = "it is this account's from now on"


def is_another_s(job: JobRecord, account: str | None, settings: Settings) -> bool:
    """Whether a job counts as another account's, which has its clip for itself."""
    is_shared = settings.ledger_url is not None and not settings.share_clips
    return is_shared and job.account not in (None, account)


async def made_with_another_key(tools: Tools, lease: Lease) -> JobRecord | None:
    """Such a job, under our key from now on; None when there is none that we can have."""
    job = tools.order.job
    asked = {"request_digest": job.request_digest, **({"file_digest": job.file_digest} if job.file_digest else {})}

    def taken_over(ledger: Ledger, other: JobRecord, reach: Reach) -> JobRecord | None:
        return ledger.take_over(other, lease, account=job.account if reach is Reach.OURS else None, **asked)

    while (found := await _within_reach(tools)) is not None:
        other, reach = found
        while (now := await tools.keep(partial(Ledger.get, key=other.key))) is not None:
            if now.state is not other.state:
                break
            if reach is not Reach.WAIT:
                taken = await tools.keep(partial(taken_over, other=other, reach=reach))
                if taken is not None:
                    return taken
            tools.show("sharing the job of another run, begun with another key or with other pixels of the same image")
            await tools.wanted_pause(tools.timeouts.shared_look)
            if reach is Reach.WAIT:
                break
    return None


async def _within_reach(tools: Tools) -> tuple[JobRecord, Reach] | None:
    """The latest one available, our own account's first; what isn't available is noted."""
    job, settings = tools.order.job, tools.order.settings
    others = await tools.keep(lambda ledger: ledger.under_another_key(tools.key, job.request_digest, job.file_digest))
    for other in sorted(others, key=lambda other: other.account != job.account):
        if (reach := await _reach(tools, other)) is not Reach.NONE:
            return other, reach
    clips = (other for other in others if other.state in BRINGS_A_CLIP)
    tools.others_clip = next((clip for clip in clips if is_another_s(clip, job.account, settings)), None)
    return None


async def _reach(tools: Tools, other: JobRecord) -> Reach:
    """Whether this key's account can still have that job: it is its own, its file is here, or the provider knows it."""
    mine, settings = tools.order.job.account, tools.order.settings
    if other.account is not None and other.account == mine:
        return Reach.OURS
    if not is_another_s(other, mine, settings):
        may_be_ours = settings.ledger_url is None or other.account is None
        if other.state not in BRINGS_A_CLIP or (
            other.state is State.STORED
            and (
                await tools.call(tools.pools.downloads, lambda: is_anywhere(other, tools.order))
                or await is_in_store(tools, other)
            )
        ):
            return Reach.OURS if may_be_ours else Reach.SHARED
        if not may_be_ours and await tools.keep(lambda ledger: ledger.holder(other.key)) is not None:
            return Reach.WAIT
    if other.state in BRINGS_A_CLIP and await _is_known_at_the_provider(tools, other):
        return Reach.OURS
    return Reach.NONE


async def _is_known_at_the_provider(tools: Tools, other: JobRecord) -> bool:
    try:
        status = await tools.ask(lambda: tools.order.client.status(other.request_id or ""))
    except (TransientError, AccountError, SettingsError):
        return False
    return status.state is not JobState.NOT_FOUND


def told_of(clip: JobRecord) -> str:
    """Tells a user who is about to pay that another account has the same clip."""
    made_at = time.strftime("%Y-%m-%d %H:%M", time.localtime(clip.submitted_at or clip.created_at))
    who = ", ".join(filter(None, (clip.asker, made_at)))
    if clip.state is State.SUBMITTED:
        return (
            f"Another account ({who}) is already making this clip. It is paid for again here; with "
            "REMOTE_VIDEO_SHARE_CLIPS=1 all accounts share their clips."
        )
    return (
        f"Another account ({who}) has already made this clip. It is paid for again here; with "
        "REMOTE_VIDEO_SHARE_CLIPS=1 all accounts share their clips."
    )
