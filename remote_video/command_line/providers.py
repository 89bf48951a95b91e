"""`price` and `sandbox`: what a model costs, and a stand-in for both providers."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from ..console import say
from ..errors import RequestRefused
from ..providers.client import SANDBOX_KEY, connect
from ..providers.runcomfy import RunComfy
from ..providers.status import TransientError
from .inputs import model_named
from .surroundings import settings_of


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
        if spec.provider != "runcomfy":
            say("CometAPI publishes its prices at https://api.cometapi.com/api/models.", sys.stdout)
            return 0
    client = connect("runcomfy", settings_of(options)).client
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
            f"{path} is no list of models: {error}.",
            next_step="Give a JSON list as GET /v1/models?include_schema=true gives it.",
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
            f"  RUNCOMFY_API_BASE_URL={sandbox.runcomfy_base_url}\n  RUNCOMFY_API_TOKEN={SANDBOX_KEY}",
            f"  COMETAPI_BASE_URL={sandbox.cometapi_base_url}\n  COMETAPI_KEY={SANDBOX_KEY}",
            "It is shown no key that is saved in the accounts dialog.",
        ]
        say("\n".join(told), sys.stdout)
        try:
            while True:
                time.sleep(1.0)
        except KeyboardInterrupt:
            say(f"\nEnded. Jobs kept in {options.folder}: {sandbox.accepted_posts}", sys.stdout)
    return 0
