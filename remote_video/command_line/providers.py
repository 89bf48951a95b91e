"""`price` and `sandbox`: what a model costs, and a stand-in for both providers."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from ..catalogue.ask import PROVIDER
from ..console import say
from ..errors import RemoteVideoError, RequestRefused
from ..providers import PROVIDERS
from ..providers.client import SANDBOX_KEY, connect
from ..providers.runcomfy import RunComfy
from ..providers.status import TransientError
from .inputs import model_named
from .surroundings import places_looked_in, settings_of


def price_command(options: argparse.Namespace) -> int:
    """Print what the provider says a model costs and takes, as JSON."""
    model_id = options.model
    try:
        spec, _ = model_named(options.model)
    except RequestRefused:
        if "/" not in options.model:
            raise
    else:
        model_id = spec.model_id
        provider = PROVIDERS[spec.provider]
        if provider.price_page is not None:
            say(f"{provider.name} publishes its prices at {provider.price_page}.", sys.stdout)
            return 0
    try:
        client = connect(PROVIDER, settings_of(options)).client
    except RemoteVideoError as error:
        say(f"{error}\nKeys and settings were looked for in {places_looked_in(options)}, and in the environment.")
        return 1
    if not isinstance(client, RunComfy):
        raise TypeError(f"{type(client).__name__} was connected in place of RunComfy")
    try:
        info = client.model_info(model_id)
    except TransientError as trouble:
        say(trouble)
        return 1
    print(json.dumps(info, indent=2))
    return 0


def _models_in(path: Path) -> list[Any]:
    """The models of a file as RunComfy publishes them: the listing, or its `models` alone. Raises RequestRefused."""
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))
        models: list[Any] = listed["models"] if isinstance(listed, dict) else listed
        if not all(isinstance(model, dict) and isinstance(model.get("model_id"), str) for model in models):
            raise ValueError("not every entry is an object with a model_id")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RequestRefused(
            f"{path} is not a list of models: {error}.",
            next_step="Give a JSON list as GET /v1/models?include_schema=true returns it.",
        ) from error
    return models


def sandbox_command(options: argparse.Namespace) -> int:
    """Serve both providers' APIs until Ctrl-C."""
    from ..sandbox import Sandbox

    models = _models_in(options.catalogue) if options.catalogue else []
    with Sandbox(options.folder, port=options.port) as sandbox:
        if models:
            sandbox.listing.put(*models)
        told = [
            f"The sandbox runs on {sandbox.origin}; its clips are free. Ctrl-C ends it.\n",
            "To point the pack at it, start ComfyUI with these environment variables:",
            *(
                f"  {of.base_url_variable}={sandbox.base_urls[of.id]}\n  {of.key_variables[0]}={SANDBOX_KEY}"
                for of in PROVIDERS.values()
                if of.id in sandbox.base_urls
            ),
            "It never receives a key that is saved in the accounts dialog.",
        ]
        say("\n".join(told), sys.stdout)
        try:
            while True:
                time.sleep(1.0)
        except KeyboardInterrupt:
            say(f"\nEnded. Jobs kept in {options.folder}: {sandbox.accepted_posts}", sys.stdout)
    return 0
