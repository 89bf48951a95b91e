"""What the environment can tell the pack, and what it answers to a value that can mean nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from remote_video_pack.remote_video.errors import SettingsError
from remote_video_pack.remote_video.loopback import is_loopback
from remote_video_pack.remote_video.providers import PROVIDERS
from remote_video_pack.remote_video.settings import S3Settings, Settings

HOME = Path("home")


def read(**environment: str) -> Settings:
    return Settings.from_environment(HOME, environment)


@pytest.mark.parametrize(
    "environment", [{}, dict.fromkeys(("RUNCOMFY_API_BASE_URL", "REMOTE_VIDEO_SANDBOX", "REMOTE_VIDEO_UPLOADS"), " ")]
)
def test_without_a_word_it_talks_to_the_real_providers(environment):
    settings = read(**environment)
    assert settings == Settings(HOME)
    assert settings.base_urls == {provider.id: provider.base_url for provider in PROVIDERS.values()}
    assert (settings.sandbox, settings.uploads, settings.s3) == (False, "data-uri", None)
    assert (settings.timeout_s, settings.max_parallel) == (3600, 32)


def test_the_environment_it_reads_is_the_processs_own(monkeypatch):
    monkeypatch.setenv("REMOTE_VIDEO_TIMEOUT_S", "90")
    assert Settings.from_environment(HOME).timeout_s == 90


def test_a_home_of_ones_own_wins_over_the_hosts():
    assert read(REMOTE_VIDEO_HOME="/elsewhere").home == Path("/elsewhere")
    assert read(REMOTE_VIDEO_HOME="~/videos").home == Path.home() / "videos"


def test_other_bases_lose_the_slash_at_their_end():
    settings = read(
        RUNCOMFY_API_BASE_URL=" http://127.0.0.1:8000/runcomfy/ ", COMETAPI_BASE_URL="https://c.example/v1//"
    )
    assert settings.base_urls == {"runcomfy": "http://127.0.0.1:8000/runcomfy", "cometapi": "https://c.example/v1"}
    assert settings.endpoint("cometapi") == "https://c.example/v1"


@pytest.mark.parametrize("text", ["1", "true", "YES", "on"])
def test_the_sandbox_is_switched_on(text):
    assert read(REMOTE_VIDEO_SANDBOX=text).sandbox is True


@pytest.mark.parametrize("text", ["", "0", "False", "no", "off"])
def test_the_sandbox_stays_off(text):
    assert read(REMOTE_VIDEO_SANDBOX=text).sandbox is False


def test_each_switch_has_a_variable_of_its_own():
    plain = {"sandbox": False, "collect": True, "catalogue": True, "share_clips": False}
    for name, was in plain.items():
        found = read(**{f"REMOTE_VIDEO_{name.upper()}": "0" if was else "1"})
        assert {switch: getattr(found, switch) for switch in plain} == {**plain, name: not was}


def test_s3_needs_a_bucket_and_takes_the_rest_from_its_own_variables():
    assert read(REMOTE_VIDEO_S3_REGION="eu-west-1").s3 is None
    assert read(REMOTE_VIDEO_S3_BUCKET="b").s3 == S3Settings("b", prefix="remote-video/", expires_s=21600)
    given = read(
        REMOTE_VIDEO_UPLOADS="s3",
        REMOTE_VIDEO_S3_BUCKET="b",
        REMOTE_VIDEO_S3_ENDPOINT="https://s3.example/",
        REMOTE_VIDEO_S3_REGION="eu-west-1",
        REMOTE_VIDEO_S3_PREFIX="pictures/",
        REMOTE_VIDEO_S3_EXPIRES_S="600",
    )
    assert given.uploads == "s3"
    assert given.s3 == S3Settings("b", "https://s3.example", "eu-west-1", "pictures/", 600)


def test_a_public_origin_is_kept_without_its_last_slash():
    settings = read(REMOTE_VIDEO_UPLOADS="public-origin", REMOTE_VIDEO_PUBLIC_ORIGIN="https://me.example:8443/")
    assert (settings.uploads, settings.public_origin) == ("public-origin", "https://me.example:8443")


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("REMOTE_VIDEO_UPLOADS", "ftp", "data-uri, s3, public-origin"),
        ("REMOTE_VIDEO_SANDBOX", "maybe", "1 or 0"),
        ("REMOTE_VIDEO_TIMEOUT_S", "an hour", "a number"),
        ("REMOTE_VIDEO_TIMEOUT_S", "0", "at least 1"),
        ("REMOTE_VIDEO_TIMEOUT_S", "inf", "at least 1"),
        ("REMOTE_VIDEO_TIMEOUT_S", "nan", "at least 1"),
        ("REMOTE_VIDEO_MAX_PARALLEL", "0", "at least 1"),
        *(
            ("REMOTE_VIDEO_FAKE_IP_RANGES", text, "198.18.0.0/15,fc00::/18")
            for text in (
                "on",
                "198.18.0.0/99",
                "0.0.0.0/0",
                "127.0.0.0/16",
                "169.254.0.0/16",
                "::/0",
                "fe80::/64",
                "::1",
            )
        ),
    ],
)
def test_a_value_that_can_mean_nothing_is_named_with_what_it_has_to_be(name, value, wanted):
    with pytest.raises(SettingsError) as refused:
        read(**{name: value})
    assert all(words in refused.value.what for words in (name, repr(value), wanted))
    assert name in refused.value.next_step


@pytest.mark.parametrize(
    ("name", "value", "too_small"),
    [
        ("REMOTE_VIDEO_TIMEOUT_S", "1", "0.99"),
        ("REMOTE_VIDEO_MAX_PARALLEL", "1", "0"),
        ("REMOTE_VIDEO_S3_EXPIRES_S", "60", "59"),
    ],
)
def test_the_smallest_number_is_one_that_can_be_set(name, value, too_small):
    found = read(REMOTE_VIDEO_S3_BUCKET="b", **{name: value})
    assert float(value) in (found.timeout_s, found.max_parallel, found.s3.expires_s)
    with pytest.raises(SettingsError, match=name):
        read(REMOTE_VIDEO_S3_BUCKET="b", **{name: too_small})


def test_a_shared_ledger_is_a_database_of_the_one_kind_and_its_password_is_not_said():
    url = "postgresql+psycopg://ann:dear@db.example/clips"
    assert read(REMOTE_VIDEO_LEDGER_URL=f" {url} ").ledger_url == url
    with pytest.raises(SettingsError, match=r"does not begin with postgresql\+psycopg://") as refused:
        read(REMOTE_VIDEO_LEDGER_URL=url.replace("+psycopg", ""))
    assert "dear" not in str(refused.value)
    assert "REMOTE_VIDEO_LEDGER_URL" in refused.value.next_step


def test_an_endpoint_is_asked_for_by_a_provider_that_exists():
    with pytest.raises(ValueError, match="unknown provider"):
        Settings(HOME, sandbox=True).endpoint("elsewhere")


def test_no_key_is_among_the_settings(monkeypatch):
    settings = read(RUNCOMFY_API_TOKEN="secret-token", COMETAPI_KEY="secret-key")
    assert "secret" not in repr(settings)


@pytest.mark.parametrize("variable", [provider.base_url_variable for provider in PROVIDERS.values()])
def test_a_key_never_travels_in_clear_to_another_machine(variable: str, tmp_path: Path):
    with pytest.raises(SettingsError, match="the key is sent to it"):
        Settings.from_environment(tmp_path, {variable: "http://api.example.com/v1"})
    Settings.from_environment(tmp_path, {variable: "http://127.0.0.1:8000"})


ADDRESSES = (
    "RUNCOMFY_API_BASE_URL",
    "COMETAPI_BASE_URL",
    "REMOTE_VIDEO_PUBLIC_ORIGIN",
    "REMOTE_VIDEO_S3_ENDPOINT",
)


@pytest.mark.parametrize("name", ADDRESSES)
@pytest.mark.parametrize(
    "value",
    [
        "secret-sk-0123456789",
        "secret.example",
        "ftp://secret.example",
        "https://",
        "https:///secret",
        "https://[::1/secret",
        "https://[secret]",
        "https://me:secret@host.example",
        "https://secret@host.example",
        "http://secret.example\\@127.0.0.1",
        "https://host.example\\secret",
        "https://host.example:99999/secret",
        "https://host.example:0/secret",
        "https://host.example:secret",
        "https://host example/secret",
        "https://host.example/\nsecret",
        "https://host.example/v1?key=secret",
        "https://host.example/v1#secret",
    ],
)
def test_what_is_no_address_is_one_clear_error_that_quotes_nothing(name: str, value: str):
    with pytest.raises(SettingsError) as refused:
        read(**{name: value, "REMOTE_VIDEO_S3_BUCKET": "b"})
    assert name in refused.value.what and "https://" in refused.value.what
    assert name in refused.value.next_step
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    ["http://evil.example\\@127.0.0.1", "http://127.0.0.1:1\\.evil.example", "http://me@127.0.0.1", "http://[::1"],
)
def test_what_another_parser_may_read_another_host_in_is_not_loopback(text: str):
    assert not is_loopback(text)


@pytest.mark.parametrize(
    "text", ["http://127.0.0.1:8000", "https://[::1]/v1", "http://localhost", "http://a.localhost/x?y=1"]
)
def test_loopback_is_told(text: str):
    assert is_loopback(text)
