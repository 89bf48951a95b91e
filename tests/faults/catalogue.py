"""What can be wrong with what a provider says it offers, costs and holds: the listing, one model, the balance."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from .fault import BALANCE, MODEL, MODELS, Call, Fault, Options
from .job_states import Payload, changed

MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script>"
CONTROL = "bell \x07 escape \x1b[31m nul \x00 override \u202e line\r\nbreak \ud83d lone"
LONG = "long " * 2_000
HOSTILE = (MARKUP, CONTROL, LONG)
LARGE_BYTES = 5_000_000
PRICES = (-1, "0.50", 1e300, {"usd": 1}, True)

Models = list[Any]


def _listing(name: str, says: str, change: Callable[[Models, Options], Models], **options: Any) -> Fault:
    """A fault of the models on each page."""

    def alter(payload: Payload, call: Call) -> Payload:
        models = change(payload["models"], call.options)
        return {**payload, "models": models, "total": payload["total"] + len(models) - len(payload["models"])}

    return Fault(f"listing-{name}", says, (MODELS,), alter=changed(alter), options=options)


def _made_up(number: int) -> dict[str, Any]:
    """A model that nobody has heard of."""
    schema = {"type": "object", "properties": {"prompt": {"type": "string"}}, "required": ["prompt"]}
    named = {"model_id": f"sandbox/made-up-{number}/text-to-video", "display_name": f"Made up {number}"}
    return {**named, "kind": "model", "categories": ["text-to-video"], "input_schema": schema}


def _large(models: Models, options: Options) -> Models:
    each = len(str(_made_up(0)))
    return [*models, *(_made_up(number) for number in range(options["bytes"] // each))]


def _twins(models: Models, options: Options) -> Models:
    """Each model once more, of another price and without its first input."""
    others = copy.deepcopy(models)
    for other in others:
        other.update(display_name="The other", base_price_usd=9.99)
        properties = (other.get("input_schema") or {}).get("properties") or {}
        properties.pop(next(iter(properties), ""), None)
    return [*models, *others]


def _nonsense(models: Models, options: Options) -> Models:
    """Things that are no models, among those that are."""
    odd_schemas: tuple[Any, ...] = (
        [],
        "object",
        {"properties": [1]},
        {"type": "object", "properties": {"prompt": None}},
    )
    odd = [{**_made_up(number), "input_schema": schema} for number, schema in enumerate(odd_schemas)]
    loop = {"a": {"$ref": "#/properties/a"}, "prompt": {"type": "integer", "default": "five"}}
    odd.append({**_made_up(len(odd)), "input_schema": {"type": "object", "properties": loop}})
    nameless = [{**_made_up(9), "model_id": name} for name in (None, 5, "", "../../etc", "a b", ["a/b"])]
    return [None, 5, [], {}, *nameless, *odd, *models]


def _hostile(model: dict[str, Any], text: str) -> dict[str, Any]:
    """A model whose every text, and a name of its inputs, is out to do harm."""
    model = copy.deepcopy(model)
    model |= {"display_name": text, "description": text, "pricing_note": text, "price_unit": text}
    schema = model.get("input_schema") or {}
    schema["properties"] = {
        **{name: {**one, "title": text, "description": text} for name, one in schema.get("properties", {}).items()},
        text: {"type": "string", "default": text},
        "choice": {"type": "string", "enum": [text, "b"], "default": text},
    }
    return {**model, "input_schema": schema}


def _hostile_page(models: Models, options: Options) -> Models:
    return [*(_hostile(_made_up(number), text) for number, text in enumerate(HOSTILE)), *models]


def _endless(payload: Payload, call: Call) -> Payload:
    """A page that is always full, of a listing that always has more."""
    offset, limit = payload["offset"], max(payload["limit"], 1)
    page = [*payload["models"], *(_made_up(offset + number) for number in range(limit))][:limit]
    return {**payload, "models": page, "total": offset + 2 * limit}


def _priced(models: Models, options: Options) -> Models:
    return [{**model, "base_price_usd": PRICES[number % len(PRICES)]} for number, model in enumerate(models)]


def _balance(value: Any) -> Fault:
    name = "absent" if value is None else str(value).replace(".", "-").strip("-")
    said = changed(lambda payload, _: {**payload, "balance_usd": value, "balance_microdollars": value})
    return Fault(f"balance-{name}", f"The balance is {value!r}.", (BALANCE,), alter=said)


FAULTS: tuple[Fault, ...] = (
    _listing("empty", "Nothing is offered.", lambda models, _: []),
    _listing("large", "So many models that the answer has `bytes`.", _large, bytes=LARGE_BYTES),
    _listing("twins", "Each model is there twice, with other inputs and prices.", _twins),
    _listing("nonsense", "Half of what is listed is no model, or has no schema that is one.", _nonsense),
    _listing("hostile", "Texts with markup, control characters, 10,000 letters.", _hostile_page),
    _listing("prices", "Prices that are negative, enormous, texts or no numbers.", _priced),
    Fault("listing-endless", "Each page is full, and there is always one more.", (MODELS,), alter=changed(_endless)),
    Fault(
        "model-hostile",
        "The model's texts are out to do harm.",
        (MODEL,),
        alter=changed(lambda payload, _: _hostile(payload, MARKUP + CONTROL)),
    ),
    *map(_balance, (None, "twelve", -3.5)),
)
