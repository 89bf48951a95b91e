"""Whether a model is still offered, and takes what is about to be sent: asked once a day, while images are encoded.

Nothing here is paid for, and no answer holds a job up for longer than a few seconds: then it goes on unlooked at.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from ..catalogue.catalogue import successors
from ..catalogue.drift import drift
from ..catalogue.store import known
from ..errors import ModelChanged, ModelGone, RemoteVideoError
from ..models.request import Request
from ..providers.client import Client
from ..providers.status import TransientError
from .order import Order

if TYPE_CHECKING:
    from .engine import Engine
    from .tools import Tools

FRESH_S = 24 * 3600.0
"""How long an answer counts that had nothing against what was to be sent."""
ASK_AGAIN_S = 60.0
"""After one that had, and after none."""
MOST_NAMED = 3
MOST_CHANGES = 6

_log = logging.getLogger("remote_video")


@dataclass
class Offer:
    """What a provider was asked about one model, and says."""

    asked_at: float = field(default_factory=time.monotonic)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    answer: Mapping[str, object] | ModelGone | None = None
    """None: no usable one (yet)."""
    is_good: bool = False
    """Whether it had nothing against what was to be sent."""
    is_told: bool = False
    """Whether its harmless changes are in the log."""

    @property
    def is_over(self) -> bool:
        """Whether it is time to ask anew."""
        counts = FRESH_S if self.is_good or not self.answered.is_set() else ASK_AGAIN_S
        return time.monotonic() - self.asked_at > counts


class Offers:
    """What was asked in this session. On the engine's thread only."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._offers: dict[tuple[str, str], Offer] = {}

    def ask(self, order: Order) -> Offer | None:
        """Begin to ask about the model of an order, unless that is known; None where it isn't to be asked."""
        if order.request is None or not order.settings.catalogue:
            return None
        place = (order.client.endpoint, order.request.model_id)
        offer = self._offers.get(place)
        if offer is None or offer.is_over:
            offer = self._offers[place] = Offer()
            asked = self._engine.pools.questions.start(partial(_asked, order.client, order.request))
            asked.add_done_callback(partial(self._answered, offer))
        return offer

    def _answered(self, offer: Offer, asked: Future[Mapping[str, object] | ModelGone | None]) -> None:
        """On a thread of the questions."""
        offer.answer = asked.result()
        self._engine.soon(offer.answered.set)


def _asked(client: Client, request: Request) -> Mapping[str, object] | ModelGone | None:
    try:
        return client.offered(request)
    except ModelGone as gone:
        return gone
    except (TransientError, RemoteVideoError) as trouble:
        _log.info("%s says nothing of %s before it is asked for: %s", client.name, request.model_name, trouble)
    except Exception:
        _log.exception("%s can't be asked about %s, by a fault of this pack.", client.name, request.model_name)
    return None


async def still_taken(tools: Tools, offer: Offer | None) -> None:
    """Hold what is about to be sent against what the provider says.

    Raises:
        ModelGone, ModelChanged: nothing was sent.
        Unwanted: the job is no longer wanted.
    """
    request = tools.order.request
    if offer is None or request is None:
        return
    await _answer_of(tools, offer)
    answer = offer.answer
    if isinstance(answer, ModelGone):
        raise ModelGone(answer.what, next_step=answer.next_step, code=answer.code)
    if answer is None:
        return
    held_against = partial(drift, request.body, answer.get("input_schema"), request.model.schema)
    found = await tools.call(tools.pools.preparations, held_against)
    offer.is_good = not found.breaking
    if found.breaking:
        raise await tools.call(tools.pools.preparations, partial(_changed, tools.order, request, found.breaking))
    if found.additions and not offer.is_told:
        offer.is_told = True
        _log.info("%s has changed, which does no harm: %s.", request.model_name, "; ".join(found.additions))


async def _answer_of(tools: Tools, offer: Offer) -> None:
    """Wait for the answer, while it may be waited for. Raises Unwanted."""
    end = time.monotonic() + tools.timeouts.offer
    while not offer.answered.is_set() and (left := end - time.monotonic()) > 0:
        try:
            await asyncio.wait_for(offer.answered.wait(), min(left, tools.timeouts.stop_check))
        except (asyncio.TimeoutError, TimeoutError):
            await tools.check_wanted()


def _changed(order: Order, request: Request, changes: list[str]) -> ModelChanged:
    more = f"; and {len(changes) - MOST_CHANGES} more" if len(changes) > MOST_CHANGES else ""
    own = known(order.settings.home, order.client.endpoint).get(request.model.model_id)
    if request.model.schema is not None:
        way = "Press R to have ComfyUI read the model's inputs anew, and set what is named above"
    elif own is not None and not own.is_retired:
        way = f"Change what is named above, or choose {own.model_id} as `model` of the node RunComfyVideo"
    else:
        way = "Change what is named above, or update Remote Video"
    return ModelChanged(
        f"{request.model_name} has changed at {order.client.name}: {'; '.join(changes[:MOST_CHANGES])}{more}. "
        "Nothing was sent.",
        next_step=f"{way}, then run again. REMOTE_VIDEO_CATALOGUE=0 sends it as it is, without looking.",
    )


def with_successors(gone: ModelGone, order: Order) -> ModelGone:
    """The same error, naming what the provider's catalogue has in the model's place. Blocks."""
    catalogue = known(order.settings.home, order.client.endpoint)
    found = [entry.model_id for entry in successors(catalogue, order.job.model_id)[:MOST_NAMED]]
    if not found:
        return gone
    error = ModelGone(
        gone.what,
        next_step=f"{order.client.name} has {' and '.join(found)} in its place: choose "
        f"{'it' if len(found) == 1 else 'one'} as `model` of the node RunComfyVideo, then run again.",
        request_id=gone.request_id,
        code=gone.code,
    )
    error.successors = tuple(found)
    return error
