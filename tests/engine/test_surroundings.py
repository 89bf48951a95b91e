"""A proxy variable that breaks on the way: before the submission nothing is sent, after it nothing is lost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from remote_video_pack.remote_video.errors import Billed, JobExpired, SettingsError
from remote_video_pack.remote_video.ledger.ledger import Ledger
from remote_video_pack.remote_video.ledger.lifecycle import State

from .one_job import PROVIDERS, RecordingAsker, Setup

BROKEN = "http://user:hidden@"


@pytest.fixture(params=PROVIDERS)
def far(request: pytest.FixtureRequest, setup: Setup, monkeypatch: pytest.MonkeyPatch) -> Setup:
    """A setup of each provider, which the environment's proxies count for as if it were far away."""
    monkeypatch.setattr("remote_video_pack.remote_video.providers.http.is_loopback", lambda url: False)
    return replace(setup, provider=request.param)


def breaking_at(words: str, monkeypatch: pytest.MonkeyPatch) -> RecordingAsker:
    return RecordingAsker(lambda line: monkeypatch.setenv("HTTP_PROXY", BROKEN) if words in line else None)


def assert_said(error: SettingsError, setup: Setup, state: State) -> None:
    (record,) = Ledger(setup.home).recent()
    assert record.state is state
    assert "HTTP_PROXY" in error.what
    assert "hidden" not in str(error) + str(record.error)
    is_paid = state is not State.REFUSED
    assert error.billed is (Billed.YES if is_paid else Billed.NO)
    assert error.request_id == record.request_id and (record.request_id is not None) is is_paid
    assert "restart ComfyUI" in error.next_step


def assert_run_again_brings_the_clip(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HTTP_PROXY")
    assert setup.run_now().path.is_file()
    assert setup.posts == 1


def test_a_proxy_variable_that_is_broken_from_the_start_leaves_a_job_that_was_not_sent(far, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", BROKEN)
    with pytest.raises(SettingsError) as told:
        far.run_now()
    assert far.posts == 0
    assert_said(told.value, far, State.REFUSED)
    assert_run_again_brings_the_clip(far, monkeypatch)


def test_a_job_stays_followable_when_a_proxy_variable_breaks_while_it_runs(far, monkeypatch):
    far.sandbox.faults.set(far.status_route, "error-500", on_call=1, times=3)
    with pytest.raises(SettingsError, match="and is not lost") as told:
        far.run_now(breaking_at("asking again", monkeypatch))
    assert_said(told.value, far, State.SUBMITTED)
    with pytest.raises(SettingsError):
        far.run_now()
    assert_run_again_brings_the_clip(far, monkeypatch)


def test_a_finished_job_stays_so_when_a_proxy_variable_breaks_before_its_clip_is_here(far, monkeypatch):
    for route in ("media", "comet/content"):
        far.sandbox.faults.set(route, "media-404", on_call=1, times=2)
    with pytest.raises(SettingsError) as told:
        far.run_now(breaking_at("downloading", monkeypatch))
    assert_said(told.value, far, State.FINISHED)
    assert_run_again_brings_the_clip(far, monkeypatch)


def test_an_expired_job_stays_so_when_a_proxy_variable_breaks(far, monkeypatch):
    far.sandbox.faults.set(far.status_route, "vanished")
    with pytest.raises(JobExpired):
        far.run_now()
    far.sandbox.faults.clear()
    monkeypatch.setenv("HTTP_PROXY", BROKEN)
    with pytest.raises(SettingsError) as told:
        far.run_now()
    assert_said(told.value, far, State.EXPIRED)
    assert_run_again_brings_the_clip(far, monkeypatch)
