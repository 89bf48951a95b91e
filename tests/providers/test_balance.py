"""What an account has left, in all the ways it can be said, and where it is asked."""

from __future__ import annotations

import pytest
from remote_video_pack.remote_video.providers import PROVIDERS
from remote_video_pack.remote_video.providers.runcomfy import RunComfy
from remote_video_pack.remote_video.providers.status import TransientError

from .conftest import KEY
from .scripted import HTML, reply, says


@pytest.mark.parametrize(
    ("said", "usd"),
    [
        ({"balance_usd": 12.5, "balance_microdollars": 12_500_000, "currency": "USD"}, 12.5),
        ({"balance_usd": "12.50", "currency": "usd"}, 12.5),
        ({"balance_microdollars": 400_000}, 0.4),
        ({"balance_usd": None, "balance_microdollars": "400000"}, 0.4),
        ({"balance_usd": "a lot", "balance_microdollars": 5e5}, 0.5),
        ({"data": {"balance_usd": 3}}, 3.0),
        ({"balance_usd": 0}, 0.0),
        ({"balance_usd": 0.12345678}, 0.123457),
        ({"balance_usd": -1.5, "currency": None}, -1.5),
        ({"balance_usd": 12.5, "currency": "EUR"}, None),
        ({"balance_usd": 12.5, "currency": 5}, None),
        ({"balance_usd": True}, None),
        ({"balance_usd": [1]}, None),
        ({"balance_usd": "nan"}, None),
        ({"balance_usd": "1e999"}, None),
        ({}, None),
    ],
)
def test_a_balance_is_read_or_not_known(server, runcomfy, said, usd):
    server.will(says(said))
    assert runcomfy.balance_usd() == usd
    assert (server.only_request.method, server.only_request.path) == ("GET", "/prod/v2/balance")
    assert server.only_request.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "answer",
    [
        HTML,
        reply(204, b""),
        says([1]),
        says({"message": "no"}, 404),
        says({"error_code": 400004}),
        says({}, 503),
        says({"balance_usd": 1}, 300),
    ],
    ids=["html", "nothing", "list", "404", "error in 200", "503", "300"],
)
def test_what_is_no_answer_is_an_error_that_can_be_passed_over(server, runcomfy, answer):
    server.will(answer)
    with pytest.raises(TransientError):
        runcomfy.balance_usd()


def test_the_provider_itself_is_asked_at_the_address_it_has_for_it():
    assert RunComfy(PROVIDERS["runcomfy"].base_url, KEY)._purse.base_url == "https://api.runcomfy.net"


def test_cometapi_is_not_asked(server, comet):
    assert comet.balance_usd() is None
    assert server.requests == []
