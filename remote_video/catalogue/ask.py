"""Asking RunComfy for its catalogue, page by page, within bounds whatever it answers.

Source: `GET /v1/models?include_schema=true&limit=&offset=` of RunComfy's Model API; the answer as its published clients
read it is `{models, total, limit, offset}`. Free.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..providers import provider_of
from ..providers.classify import transient
from ..providers.client import connect
from ..providers.http import Api
from ..providers.problem import BAD_KEY, key_refused, problem_in
from ..providers.response import MAX_LISTING_BYTES, listed_in
from ..providers.status import TransientError
from ..settings import Settings

PROVIDER = "runcomfy"
"""Who publishes a catalogue."""
PATH = "/v1/models?include_schema=true&limit={}&offset={}"
PAGE = 100
"""Models asked for at once; a provider may give fewer."""
MOST_PAGES = 100
MOST_MODELS = 10_000
ALL_WITHIN_S = 10.0


@dataclass
class Listing:
    """What came of asking.

    Args:
        models: the objects as published, without repeats.
        trouble: why it ends before the provider's list does; "" when it is whole.
    """

    models: list[Mapping[str, Any]] = field(default_factory=list)
    trouble: str = ""


def ask(settings: Settings) -> Listing:
    """Ask for all models. Blocks for at most ALL_WITHIN_S.

    Raises:
        TransientError: no usable answer to the first page.
        AccountError, SettingsError: no key, or one that isn't accepted; or something has to be set first.
    """
    connection, until = connect(PROVIDER, settings), time.monotonic() + ALL_WITHIN_S
    api = Api(provider_of(PROVIDER).name, connection.base_url, connection.account_key, settings.timeouts)
    listing, seen, offset = Listing(), set[str](), 0
    for _ in range(MOST_PAGES):
        try:
            items, total = _page(api, offset, until - time.monotonic())
        except TransientError as trouble:
            if not listing.models:
                raise
            listing.trouble = str(trouble)
            return listing
        new = [item for item in items if isinstance(item, Mapping) and str(item.get("model_id")) not in seen]
        seen.update(str(item.get("model_id")) for item in new)
        listing.models += new
        offset += len(items)
        if len(listing.models) > MOST_MODELS:
            break
        if not new:
            is_short = bool(items) and isinstance(total, int) and total > offset
            listing.trouble = "it gives the same page again and again" if is_short else ""
            return listing
    listing.trouble = f"it goes on after {len(listing.models)} models"
    return listing


def _page(api: Api, offset: int, left_s: float) -> tuple[list[Any], Any]:
    """The items of a page, and how many there are in all, as it says. Raises TransientError, AccountError."""
    if left_s <= 0:
        raise TransientError(f"the listing was not whole within {ALL_WITHIN_S:g} s")
    response = api.get(PATH.format(PAGE, offset), within=left_s, most_bytes=MAX_LISTING_BYTES)
    body = response.json(clipped=True)
    problem = problem_in(body, response.summary)
    name = provider_of(PROVIDER).name
    if problem.code in BAD_KEY or response.status == 401:
        raise key_refused(problem, name)
    items = listed_in(body)
    is_error = isinstance(body, Mapping) and bool(body.get("error_code"))
    if response.status >= 300 or items is None or is_error:
        raise transient(response, problem, name)
    return items, body.get("total") if isinstance(body, Mapping) else None
