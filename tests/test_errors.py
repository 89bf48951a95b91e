"""Every error says what happened, whether it was billed, what to do next, and which job it was."""

from __future__ import annotations

import inspect

import pytest
from remote_video_pack.remote_video import errors
from remote_video_pack.remote_video.errors import Billed, ModerationError, RemoteVideoError

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, RemoteVideoError)]
OPENS_COMFYS_OWN_DIALOGS = (
    "Unauthorized: Please login first",
    "Payment Required: Please add credits",
    "Rate Limit Exceeded:",
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_has_the_four_parts_in_order(kind):
    lines = str(kind("It broke.", request_id="r-1")).splitlines()
    assert lines[0].endswith("It broke.")
    assert lines[1] == kind.usual_billed.sentence
    assert lines[2] == f"Next: {kind.usual_next_step}"
    assert lines[3] == "Request id: r-1"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_kind_opens_a_dialog_that_is_not_ours(kind):
    text = str(kind("It broke."))
    assert not any(phrase in text for phrase in OPENS_COMFYS_OWN_DIALOGS)


def test_without_a_job_there_is_no_line_about_one():
    assert "Request id" not in str(RemoteVideoError("It broke."))


def test_each_part_can_be_told_otherwise():
    error = RemoteVideoError("It broke.", billed=Billed.YES, next_step="Sleep on it.", request_id="r", code="7")
    assert (error.what, error.billed, error.next_step, error.request_id, error.code) == (
        "It broke.",
        Billed.YES,
        "Sleep on it.",
        "r",
        "7",
    )
    assert "paid for" in str(error)


def test_every_answer_about_money_is_a_sentence_of_its_own():
    sentences = [billed.sentence for billed in Billed]
    assert len(set(sentences)) == len(Billed)
    assert all(sentence.endswith(".") for sentence in sentences)


@pytest.mark.parametrize(
    ("kind", "billed"),
    [
        (errors.InputRefused, Billed.NO),
        (errors.ModelChanged, Billed.NO),
        (errors.UploadError, Billed.NO),
        (errors.AccountError, Billed.NO),
        (errors.BalanceError, Billed.NO),
        (errors.ModelGone, Billed.NO),
        (errors.RefusedByProvider, Billed.NO),
        (errors.RateLimited, Billed.NO),
        (errors.NotSent, Billed.NO),
        (errors.SettingsError, Billed.NO),
        (errors.RequestRefused, Billed.NO),
        (errors.LedgerError, Billed.NO),
        (errors.ModerationError, Billed.UNKNOWN),
        (errors.JobFailed, Billed.UNKNOWN),
        (errors.JobCancelled, Billed.UNKNOWN),
        (errors.JobUncertain, Billed.UNKNOWN),
        (errors.JobExpired, Billed.UNKNOWN),
        (errors.NoVideo, Billed.YES),
        (errors.StillRunning, Billed.YES),
        (errors.DownloadError, Billed.YES),
        (errors.MediaError, Billed.YES),
        (errors.NotEnoughMemory, Billed.YES),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_never_left_is_not_billed_and_what_cannot_be_known_is_not_claimed(kind, billed):
    assert kind("It broke.").billed is billed


@pytest.mark.parametrize("kind", [errors.JobUncertain, errors.JobExpired], ids=lambda kind: kind.__name__)
def test_a_job_only_the_user_can_decide_on_names_the_two_ways_out(kind):
    assert "another seed" in kind.usual_next_step
    assert "Forget this job" in kind.usual_next_step


def test_moderation_begins_with_the_words_comfyui_knows_once():
    opening = errors.MODERATION_OPENING
    assert str(ModerationError("Too rude.")).startswith(f"{opening}. The provider says: Too rude.")
    assert str(ModerationError(f"{opening} (3).")).count(opening) == 1


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_kind_is_found_again_by_the_name_a_ledger_keeps(kind):
    assert errors.kind_named(kind.__name__) is kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ProviderBusy", errors.RateLimited),
        ("InputRefused", errors.InputRefused),
        ("Stopped", None),
        ("Billed", None),
        ("Any", None),
        ("kind_named", None),
        ("", None),
    ],
)
def test_a_former_name_is_known_and_what_is_no_kind_is_not(name, kind):
    assert errors.kind_named(name) is kind


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_stands_in_the_tree_at_the_head_of_the_file(kind):
    assert any(line.split()[:1] == [kind.__name__] for line in (errors.__doc__ or "").splitlines())


def test_stopping_is_no_error_of_the_pack():
    assert not issubclass(errors.Stopped, RemoteVideoError)
    assert str(errors.Stopped("The job was cancelled.")) == "The job was cancelled."
