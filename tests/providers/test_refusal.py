"""What a refusal is about, and what to do: the size, a gateway, or a provider that wants to fetch images itself."""

from __future__ import annotations

import pytest
from remote_video_pack.remote_video.errors import AccountError, Billed, ModerationError, RefusedByProvider
from remote_video_pack.remote_video.providers.client import Submission

from .scripted import reply, says

PAGE = {"Content-Type": "text/html"}
NGINX = b"<html><head><title>413 Request Entity Too Large</title></head></html>"
FIREWALL = b"<!doctype html><title>Attention Required! | Cloudflare</title>"


def refused(client, submission: Submission) -> RefusedByProvider:
    with pytest.raises(RefusedByProvider) as raised:
        client.submit(submission)
    assert raised.value.billed is Billed.NO
    return raised.value


def of_size(submission: Submission, more: int) -> Submission:
    return Submission(
        submission.path,
        [*submission.body, b" " * more],
        submission.content_type,
        submission.model,
        is_inline=submission.is_inline,
    )


@pytest.mark.parametrize("answer", [reply(413, NGINX, PAGE), says({"message": "Payload Too Large"}, 413)])
def test_too_large_a_request_tells_what_was_sent_and_the_ways_to_send_less(server, runcomfy, submission, answer):
    server.will(answer)
    error = refused(runcomfy, of_size(submission, 12_300_000))
    assert "12.3 MB were sent" in error.what
    assert all(word in error.next_step for word in ("REMOTE_VIDEO_UPLOADS", "s3", "public-origin", "smaller"))


def test_where_images_can_only_be_sent_along_no_other_way_is_named(server, comet, comet_submission):
    server.will(reply(413, NGINX, PAGE))
    error = refused(comet, of_size(comet_submission, 20_000_000))
    assert "20.0 MB were sent" in error.what and "smaller" in error.next_step
    assert "REMOTE_VIDEO_UPLOADS" not in error.next_step


def test_a_firewalls_page_is_not_about_the_account(server, runcomfy, submission, comet, comet_submission):
    server.will(reply(403, FIREWALL, PAGE))
    for error in (refused(runcomfy, submission), refused(comet, comet_submission)):
        assert "gateway" in error.what and "not about the account" in error.what


def test_a_provider_that_refuses_the_account_is_still_told_from_a_firewall(server, runcomfy, submission):
    server.will(says({"error_code": 403001, "error_message": "No access"}, 403))
    with pytest.raises(AccountError, match="may not use this model"):
        runcomfy.submit(submission)


@pytest.mark.parametrize(
    "words",
    [
        "image: URL scheme should be 'http' or 'https'",
        "image must be a publicly reachable HTTPS URL",
        "data URIs are not supported",
        "Invalid base64 input",
        "String should match pattern '^https://'",
        "start_image_url: invalid url",
    ],
)
def test_a_provider_that_wants_addresses_is_shown_the_other_transports(server, runcomfy, submission, words):
    server.will(says({"error_code": 422001, "error_message": words}, 422))
    error = refused(runcomfy, submission)
    assert words in error.what
    assert all(word in error.next_step for word in ("REMOTE_VIDEO_UPLOADS", "s3", "public-origin"))


def test_other_refusals_do_not_speak_of_transports(server, runcomfy, submission):
    server.will(says({"error_code": 422001, "error_message": "duration: should be 5 or 10"}, 422))
    assert "REMOTE_VIDEO_UPLOADS" not in refused(runcomfy, submission).next_step
    server.will(says({"error_code": 422001, "error_message": "image URL flagged by content moderation"}, 422))
    with pytest.raises(ModerationError):
        runcomfy.submit(submission)


def test_what_was_fetched_from_an_address_is_not_told_to_be_so(server, runcomfy, submission):
    server.will(says({"error_code": 422001, "error_message": "the URL can't be fetched"}, 422))
    elsewhere = Submission(submission.path, submission.body, submission.content_type, submission.model)
    assert "REMOTE_VIDEO_UPLOADS" not in refused(runcomfy, elsewhere).next_step
