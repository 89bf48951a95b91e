"""`check` says of each thing the pack stands on whether it is as it was, and ends with a code that CI can read."""

from __future__ import annotations

import copy
import json
import time
from email.utils import formatdate
from typing import Any

import pytest
import sqlalchemy as sa
from remote_video_pack.remote_video.catalogue.store import file_of, keep
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.models import MODELS

from ..catalogue.listing import model, sandbox_schemas
from ..providers.scripted import HTML, Exchange, ScriptedProvider, says
from .terminal import Terminal

KLING = "kling/kling-3.0/standard/image-to-video"
SCHEMAS = sandbox_schemas()


def listed(**changes: Any) -> list[dict[str, Any]]:
    """The sandbox's models as it lists them, some of them with another schema."""
    return [
        model(name, kind="image-to-video", input_schema=changes.get(name, schema)) for name, schema in SCHEMAS.items()
    ]


def remember(home, base_url: str, models: list[dict[str, Any]]) -> None:
    """Let these be known, and nothing that ships: what is not among them was retired long ago."""
    path = file_of(home, base_url)
    keep(path, models)


def lines(done) -> dict[tuple[str, str], dict[str, str]]:
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return {(line["what"], line["name"]): line for line in told}


def test_all_is_as_it_was(terminal, home):
    remember(home, terminal.sandbox.runcomfy_base_url, listed())
    done = terminal.call("check", "--json")
    told = lines(done)
    assert done.returncode == 0, done.stdout
    assert told["balance", "RunComfy"]["detail"] == "100.00 USD"
    assert told["account", "CometAPI"]["verdict"] == "ok"
    assert {told["model", spec.model_id]["verdict"] for spec in MODELS} == {"same"}
    assert [line["verdict"] for (what, _), line in told.items() if what == "decode"] == ["ok"]
    assert terminal.posts == 0
    plain = terminal.call("check")
    assert f"same           {KLING}" in plain.stdout
    assert "a-key-of-the-tests" not in done.stdout + plain.stdout + plain.stderr


def test_a_known_model_whose_inputs_changed_and_one_that_is_gone_are_named(terminal, home):
    other = copy.deepcopy(SCHEMAS[KLING])
    other["properties"]["duration"]["maximum"] = 12
    gone = model("kling/kling-2.0/image-to-video", categories=["image-to-video"])
    remember(home, terminal.sandbox.runcomfy_base_url, [*listed(**{KLING: other}), gone])
    done = terminal.call("check")
    assert done.returncode == 1
    assert f"changed        {KLING}  `duration` has maximum 15 now (before: 12)" in done.stdout
    (line,) = (line for line in done.stdout.splitlines() if "gone           kling/kling-2.0/image-to-video" in line)
    assert KLING in line.partition("in its place: ")[2]


class Provider:
    """RunComfy as a test wants it; what is not said is a page of HTML."""

    def __init__(self) -> None:
        self.schemas: dict[str, Any] = dict(SCHEMAS)
        self.date = formatdate(usegmt=True)

    def __call__(self, exchange: Exchange) -> bool | None:
        path = exchange.seen.path.partition("?")[0]
        model_id = path.removeprefix("/v1/models/")
        if path == "/v1/models":
            models = [model(name, input_schema=schema) for name, schema in self.schemas.items()]
            return says({"models": models, "total": len(models)}, Date=self.date)(exchange)
        if model_id in self.schemas:
            return says({"model_id": model_id, "input_schema": self.schemas[model_id]})(exchange)
        if path.startswith("/v1/models/"):
            return says({"error_code": 400001, "error_message": "No such model."}, 400)(exchange)
        return HTML(exchange)


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def check(provider: Provider, home, tmp_path, monkeypatch):
    with ScriptedProvider([provider]) as server:
        monkeypatch.setenv("RUNCOMFY_API_BASE_URL", server.origin)
        remember(home, server.origin, listed())
        yield lambda: Terminal(tmp_path).call("check", "--json")


def test_a_model_of_the_five_that_takes_less_than_its_node_can_send_is_named(check, provider):
    kling = copy.deepcopy(SCHEMAS[KLING])
    kling["properties"]["duration"]["maximum"] = 10
    kling["properties"]["negative"] = kling["properties"].pop("negative_prompt")
    kling["properties"]["multi_prompt"]["items"]["properties"].pop("duration")
    kling["properties"]["elements"]["items"]["properties"].pop("video_url")
    provider.schemas[KLING] = kling
    done = check()
    detail = next(json.loads(line)["detail"] for line in done.stdout.splitlines() if KLING in line)
    assert done.returncode == 1
    for words in (
        "`duration` takes at most 10",
        "`negative_prompt`",
        "`multi_prompt[1].duration`",
        "`elements[1].video_url`",
    ):
        assert words in detail


def test_one_of_the_five_that_is_gone_is_named(check, provider):
    del provider.schemas[KLING]
    done = check()
    assert (done.returncode, lines(done)["model", KLING]["verdict"]) == (1, "gone")


@pytest.mark.parametrize(("off", "verdict"), [(0, "ok"), (240, "ok"), (400, "wrong"), (-4000, "wrong")])
def test_a_clock_that_is_off_is_said(check, provider, off, verdict):
    provider.date = formatdate(time.time() + off, usegmt=True)
    assert lines(check())["clock", "RunComfy"]["verdict"] == verdict


def test_who_cannot_be_asked_is_said(check, provider, monkeypatch):
    monkeypatch.setattr(Provider, "__call__", lambda self, exchange: HTML(exchange))
    done = check()
    assert done.returncode == 2
    assert lines(done)["model", KLING]["verdict"] == "could not ask"


def test_without_any_key_nobody_is_asked(tmp_path, home):
    done = Terminal(tmp_path).call("check", "--json")
    assert done.returncode == 2
    assert lines(done)["key", "RunComfy"]["verdict"] == "skipped"
    assert not [what for what, _ in lines(done) if what == "model"]


def test_a_key_that_is_refused_is_said_without_it(home, tmp_path, monkeypatch):
    with ScriptedProvider([says({"message": "no such token secret-token-1234"}, 401)]) as server:
        monkeypatch.setenv("RUNCOMFY_API_BASE_URL", server.origin)
        monkeypatch.setenv("RUNCOMFY_API_TOKEN", "secret-token-1234")
        done = Terminal(tmp_path).call("check", "--json")
    assert (done.returncode, lines(done)["account", "RunComfy"]["verdict"]) == (1, "wrong")
    assert "secret-token-1234" not in done.stdout + done.stderr


def test_a_clip_store_is_written_and_read_or_what_is_wrong_is_said(terminal, home, tmp_path):
    remember(home, terminal.sandbox.runcomfy_base_url, listed())
    (tmp_path / "nas").mkdir()
    url = (tmp_path / "nas").as_uri()
    told = lines(terminal.call("check", "--json", REMOTE_VIDEO_CLIPS_URL=url))
    assert told["clips", url] == {"what": "clips", "name": url, "verdict": "ok", "detail": "written, read and deleted"}
    assert [path for path in (tmp_path / "nas").rglob("*") if path.is_file()] == []
    away = terminal.call("check", REMOTE_VIDEO_CLIPS_URL=f"{url}/away")
    assert away.returncode == 1
    assert f"clips     wrong          {url}/away  the folder is not there" in away.stdout


def test_a_clip_store_that_can_not_be_is_said_without_its_keys(terminal, home):
    remember(home, terminal.sandbox.runcomfy_base_url, listed())
    for url in ("s3://a-key:a-secret-key@clips?nonsense=a-secret-key", "s3://a-key:a-secret-key"):
        done = terminal.call("check", REMOTE_VIDEO_CLIPS_URL=url)
        assert done.returncode == (1 if "?" in url else 2)
        assert "REMOTE_VIDEO_CLIPS_URL" in done.stdout + done.stderr
        assert "secret" not in done.stdout + done.stderr


@pytest.fixture
def shared(terminal, home, postgres_url, monkeypatch) -> str:
    """The address of a ledger that is shared, in an empty database; all else is as it was."""
    remember(home, terminal.sandbox.runcomfy_base_url, listed())
    monkeypatch.setenv("REMOTE_VIDEO_LEDGER_URL", postgres_url)
    return postgres_url


def of_ledger(done) -> dict[str, dict[str, str]]:
    """The lines about the ledger, by what they are of."""
    assert "Traceback" not in done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["what"]: line for line in told if line["name"].startswith(("127.0.0.1:", "the shared ledger"))}


def password_of(url: str) -> str:
    password = sa.make_url(url).password
    assert password
    return password


def test_a_shared_ledger_is_looked_at(terminal, home, shared):
    ledger = Ledger(home, url=shared)
    ledger.heartbeat("0123456789abcdef")
    done = terminal.call("check", "--json")
    told = of_ledger(done)
    assert done.returncode == 0, done.stdout
    address = sa.make_url(shared)
    assert told["ledger"]["name"] == f"127.0.0.1:{address.port}/{address.database}"
    verdicts = {what: line["verdict"] for what, line in told.items()}
    assert verdicts == {"ledger": "ok", "layout": "same", "clock": "ok", "engines": "ok"}
    assert told["clock"]["detail"].split()[:3] == ["this", "machine", "is"]
    assert told["engines"]["detail"].startswith("1 live: 01234567 last seen ")
    assert password_of(shared) not in done.stdout + done.stderr


def test_to_look_at_a_shared_ledger_makes_and_changes_nothing(terminal, home, shared):
    told = of_ledger(terminal.call("check", "--json"))
    assert told["layout"]["detail"].startswith("there is no ledger in it yet")
    engine = sa.create_engine(shared)
    assert sa.inspect(engine).get_table_names() == []
    Ledger(home, url=shared)
    for version, verdict in (("0006", "changed"), ("9999", "wrong")):
        with engine.begin() as db:
            db.execute(sa.text("UPDATE alembic_version SET version_num = :version"), {"version": version})
        done = terminal.call("check", "--json")
        layout = of_ledger(done)["layout"]
        assert (done.returncode, layout["verdict"], layout["detail"][:4]) == (1, verdict, version)
    with engine.begin() as db:
        assert db.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() == "9999"
    engine.dispose()


@pytest.mark.parametrize("off_s, verdict", [(-900.0, "wrong"), (900.0, "wrong"), (20.0, "ok")])
def test_a_clock_that_differs_from_the_shared_ledger_s_is_told(terminal, shared, monkeypatch, off_s, verdict):
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + off_s)
    clock = of_ledger(terminal.call("check", "--json"))["clock"]
    assert clock["verdict"] == verdict
    assert f"{abs(off_s):.0f} s {'ahead' if off_s > 0 else 'behind'}" in clock["detail"]


def test_a_shared_ledger_that_refuses_us_is_told_without_its_password(terminal, shared, monkeypatch):
    wrong = sa.make_url(shared).set(password="not-the-password")
    monkeypatch.setenv("REMOTE_VIDEO_LEDGER_URL", wrong.render_as_string(hide_password=False))
    done = terminal.call("check", "--json")
    told = of_ledger(done)
    assert (done.returncode, [*told], told["ledger"]["verdict"]) == (1, ["ledger"], "wrong")
    assert "refuses the user's name or password" in told["ledger"]["detail"]
    assert "not-the-password" not in done.stdout + done.stderr
