"""Every view and state of ours in a browser: the page is told what a server would tell it, so each is there at once."""

from __future__ import annotations

import hashlib
import itertools
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from remote_video_pack.remote_video.ledger.lifecycle import State

from .ui_page import toggle_panel

LANGUAGES = Path(__file__).resolve().parents[2] / "web" / "languages"
NOW = time.time
KEY = hashlib.sha256(b"a job").hexdigest()
PROMPT = "A paper boat drifts across a puddle after the rain, close to the water, the street lamps come on one by one"
MODEL_GONE = "acme/old-1/image-to-video"
STRETCH = 1.5

_ERROR = {
    "kind": "ProviderError",
    "what": "RunComfy did not take the job: the prompt was refused by its content filter.",
    "billed": "Not billed.",
    "next_step": "Change the prompt or the image, then run again. The provider's own words are in the log.",
    "request_id": "req-5f0c2b9e-77aa-4c1d-9d3e-2b1c0f4a9e55",
    "code": "content_policy",
    "cost_usd": None,
    "actions": ["seed", "job", "help"],
    "successors": [],
}
_STATUS: dict[str, Any] = {
    "key": KEY,
    "text": "",
    "words": "running",
    "state": "submitted",
    "request_id": "req-5f0c2b9e-77aa-4c1d-9d3e-2b1c0f4a9e55",
    "progress": None,
    "model": "Veo 3",
    "place": None,
    "elapsed_s": 42.0,
    "usually_s": 100.0,
    "sandbox": False,
    "estimate_usd": 1.2,
    "cost_usd": None,
    "file": None,
    "error": None,
    "is_over": False,
    "workflow_id": None,
    "item": 0,
    "provider": "runcomfy",
    "phase": "working",
    "is_background": False,
    "notices": [],
}
_OVER = {"is_over": True, "elapsed_s": None, "state": "stored", "words": "saved", "file": "Veo3I2V_00012_.mp4"}
NODE_STATES: dict[str, list[dict[str, Any]]] = {
    "idle": [],
    "uploading": [{"words": "submitting", "state": "intent", "elapsed_s": 1.0, "request_id": None}],
    "queued": [{"words": "in the queue (place 3)", "place": 3}],
    "running": [{}],
    "running with a percentage": [{"progress": 0.4}],
    "done": [{**_OVER, "phase": "made", "cost_usd": 1.2}],
    "paid for before": [{**_OVER, "phase": "made again", "cost_usd": 1.2}],
    "error": [{"phase": "error", "is_over": True, "state": "refused", "elapsed_s": None, "error": _ERROR}],
    "being made": [{"phase": "left", "is_background": True, "words": "Run again when it is there."}],
    "clip is here": [{**_OVER, "phase": "here", "is_background": True, "cost_usd": 1.2}],
    "sandbox": [{**_OVER, "phase": "made", "sandbox": True}],
    "three clips": [
        {**_OVER, "phase": "made", "cost_usd": 1.2},
        {"item": 1},
        {"item": 2, "words": "in the queue (place 1)"},
    ],
}
_JOB: dict[str, Any] = {
    "state": "stored",
    "live": None,
    "progress": None,
    "forgettable": False,
    "cancellable": False,
    "fetchable": False,
    "model": "Veo 3",
    "provider": "RunComfy",
    "prompt": PROMPT,
    "node_id": "7",
    "request_id": "req-5f0c2b9e-77aa-4c1d-9d3e-2b1c0f4a9e55",
    "seconds": 100.0,
    "cost_usd": 1.2,
    "estimate_usd": 1.2,
    "error": None,
    "file_name": "Veo3I2V_00012_.mp4",
    "path": "/home/artist/ComfyUI/output/video/Veo3I2V_00012_.mp4",
    "shown_at": {"filename": "Veo3I2V_00012_.mp4", "subfolder": "video", "type": "output"},
    "sandbox": False,
}
_NO_CLIP = {"file_name": None, "path": None, "shown_at": None, "cost_usd": None}
JOB_STATES: dict[str, dict[str, Any]] = {
    "intent": {**_NO_CLIP, "state": "intent", "request_id": None, "seconds": None},
    "queued": {
        **_NO_CLIP,
        "state": "submitted",
        "live": "in the queue (place 3)",
        "cancellable": True,
    },
    "running": {**_NO_CLIP, "state": "submitted", "live": "running", "progress": 0.4},
    "finished": {**_NO_CLIP, "state": "finished", "fetchable": True},
    "stored": {},
    "sandbox": {"sandbox": True, "cost_usd": None, "model": "Kling 3.0 Pro"},
    "uncertain": {
        **_NO_CLIP,
        "state": "uncertain",
        "request_id": None,
        "forgettable": True,
        "error": "The connection was reset before RunComfy answered.",
    },
    "failed": {
        **_NO_CLIP,
        "state": "failed",
        "forgettable": True,
        "error": _ERROR["what"],
    },
    "refused": {**_NO_CLIP, "state": "refused", "forgettable": True},
    "cancelled": {**_NO_CLIP, "state": "cancelled", "forgettable": True},
    "expired": {
        **_NO_CLIP,
        "state": "expired",
        "forgettable": True,
    },
}


def jobs_of(states: Mapping[str, dict[str, Any]], times: int = 1) -> list[dict[str, Any]]:
    """Jobs in these states, newest first, over and over."""
    numbered = enumerate(itertools.chain.from_iterable(itertools.repeat(states.items(), times)))
    return [
        {
            **_JOB,
            "state_text": State(facts.get("state", "stored")).sentence.capitalize(),
            **facts,
            "key": hashlib.sha256(f"{n}".encode()).hexdigest(),
            "created_at": NOW() - 90 * n * (n + 1),
        }
        for n, (_, facts) in numbered
    ]


class Views:
    """A page whose questions of ours are answered here.

    Args:
        page: not loaded yet.
    """

    def __init__(self, page: Any) -> None:
        self.page = page
        self.answers: dict[str, Any] = {}
        """By path below /remote_video/: what is changed in the answer, None for none, "hold" for one kept back."""
        self._held: list[Any] = []
        page.route("**/remote_video/**", self._answer)

    def _answer(self, route: Any) -> None:
        name = route.request.url.partition("/remote_video/")[2].partition("?")[0]
        if name not in self.answers:
            return route.fallback()
        change = self.answers[name]
        if change == "hold":
            return self._held.append(route)
        if change is None:
            return route.abort()
        if callable(change):
            return route.fulfill(json=change(route.fetch().json()))
        return route.fulfill(json=change)

    def release(self) -> None:
        """Answer what was held, as it is to be answered now."""
        held, self._held = self._held, []
        for route in held:
            self._answer(route)

    # -- nodes ---------------------------------------------------------------------------------------------------------

    def nodes(self, states: Mapping[str, list[dict[str, Any]]], across: int = 4, type_: str = "Veo3I2V") -> None:
        """A node for each of these states in an empty graph, `across` in a row."""
        self.page.evaluate(
            """([names, across, type]) => {
                app.graph.clear();
                const image = LiteGraph.createNode("LoadImage");
                image.pos = [40, 60];
                app.graph.add(image);
                image.widgets.find(({ name }) => name === "image").value = "example.png";
                window.clips = names.map((name, n) => {
                    const clip = LiteGraph.createNode(type);
                    clip.title = name;
                    clip.pos = [400 + (n % across) * 440, 60 + Math.floor(n / across) * 800];
                    app.graph.add(clip);
                    image.connect(0, clip, clip.inputs.findIndex((input) => input.name === "image"));
                    return clip;
                });
                app.canvas.ds.reset();
                return app.loadGraphData({ ...app.graph.serialize(), id: crypto.randomUUID() });
            }""",
            [list(states), across, type_],
        )
        self.page.wait_for_timeout(500)
        number = itertools.count()
        for name, items in states.items():
            for item in items:
                told = {**_STATUS, "prompt_id": f"prompt-{name}", "asked_at": NOW() + next(number), **item}
                self.page.evaluate(
                    """([title, told]) => {
                        const node = app.graph._nodes.find((one) => one.title === title);
                        const workflow_id = (app.rootGraph ?? app.graph).id;
                        const detail = { ...told, workflow_id, node_id: String(node.id) };
                        app.api.dispatchCustomEvent("remote_video.node", detail);
                    }""",
                    [name, told],
                )
        self.page.wait_for_timeout(800)

    # -- the panel -----------------------------------------------------------------------------------------------------

    def panel(self) -> Any:
        """The jobs panel, open."""
        if not self.page.locator(".remote-video-panel").count():
            toggle_panel(self.page)
        found = self.page.locator(".remote-video-panel")
        found.wait_for()
        return found

    def jobs(self, jobs: list[dict[str, Any]], total: int | None = None, sandbox: bool = False) -> None:
        """What the panel is to be told from now on."""
        models = sorted({job["model"] for job in jobs})
        count = len(jobs) if total is None else total
        self.answers["jobs"] = {"jobs": jobs, "next": None, "total": count, "models": models, "sandbox": sandbox}

    # -- the dialog ----------------------------------------------------------------------------------------------------

    def dialog(self, **accounts: Any) -> Any:
        """The accounts dialog, open, with some of what the server says of accounts changed."""
        if accounts:
            self.answers["accounts"] = lambda told: {**told, **accounts}
        self.page.evaluate("app.extensionManager.command.execute('RemoteVideo.Accounts')")
        self.page.locator("dialog.remote-video-accounts:not([aria-busy])").wait_for()
        return self.page.locator("dialog.remote-video-accounts")

    def close(self) -> None:
        """Close all windows."""
        while self.page.locator("dialog").count():
            self.page.keyboard.press("Escape")


def stretched(locale: str = "fr") -> dict[str, Any]:
    """A language whose texts are English and half as long again."""
    table = json.loads((LANGUAGES / f"{locale}.json").read_text(encoding="utf-8"))

    def longer(english: str) -> str:
        one = english.split("|")[-1]
        for number in itertools.count():
            if "{}" not in one:
                break
            one = one.replace("{}", f"{{{number}}}", 1)
        words = "".join(letter for letter in one if letter.isalpha() or letter == " ").split() or ["x"]
        wanted, more = int(len(one) * (STRETCH - 1)), ""
        for word in itertools.cycle(words):
            if len(more) >= wanted:
                break
            more += f" {word}"
        return one.rstrip(".") + more + ("." if one.endswith(".") else "")

    return {english: longer(english) if english.strip() == english else text for english, text in table.items()}


CUT = Path(__file__).with_name("cut.js").read_text(encoding="utf-8").partition("\n")[2]
"""Given our roots' selector: what is cut off or stands outside, in words."""
ROOTS = "dialog.remote-video, .remote-video-panel, .remote-video-node, .remote-video-shots"
