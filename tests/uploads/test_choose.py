"""The settings choose the transport; one that the provider could not fetch from is refused before anything is sent."""

from __future__ import annotations

from pathlib import Path

import pytest
from remote_video_pack.remote_video.errors import SettingsError
from remote_video_pack.remote_video.settings import Settings
from remote_video_pack.remote_video.uploads import choose

S3 = {"REMOTE_VIDEO_UPLOADS": "s3", "REMOTE_VIDEO_S3_BUCKET": "pictures", "REMOTE_VIDEO_S3_REGION": "eu-west-1"}
ORIGIN = {"REMOTE_VIDEO_UPLOADS": "public-origin", "REMOTE_VIDEO_PUBLIC_ORIGIN": "https://host.example:8443"}


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({}, "data-uri"),
        ({"REMOTE_VIDEO_UPLOADS": "data-uri"}, "data-uri"),
        (S3, "s3"),
        (ORIGIN, "public-origin"),
        (
            {**ORIGIN, "REMOTE_VIDEO_PUBLIC_ORIGIN": "http://127.0.0.1:8188", "REMOTE_VIDEO_SANDBOX": "1"},
            "public-origin",
        ),
        (
            {
                **ORIGIN,
                "REMOTE_VIDEO_PUBLIC_ORIGIN": "http://[::1]:8188",
                "RUNCOMFY_API_BASE_URL": "http://localhost:9000/runcomfy",
            },
            "public-origin",
        ),
    ],
)
def test_the_setting_names_the_transport(environ: dict[str, str], name: str, tmp_path: Path) -> None:
    assert choose("runcomfy", Settings.from_environment(tmp_path, environ), tmp_path).name == name


@pytest.mark.parametrize(
    ("environ", "complaint"),
    [
        ({"REMOTE_VIDEO_UPLOADS": "s3"}, "REMOTE_VIDEO_S3_BUCKET is not set"),
        ({**S3, "REMOTE_VIDEO_S3_ENDPOINT": "http://store.example"}, "https only"),
        ({**S3, "REMOTE_VIDEO_S3_ENDPOINT": "http://127.0.0.1:9000"}, "loopback"),
        ({"REMOTE_VIDEO_UPLOADS": "public-origin"}, "REMOTE_VIDEO_PUBLIC_ORIGIN is not set"),
        ({**ORIGIN, "REMOTE_VIDEO_PUBLIC_ORIGIN": "http://host.example"}, "https only"),
        ({**ORIGIN, "REMOTE_VIDEO_PUBLIC_ORIGIN": "http://127.0.0.1:8188"}, "loopback"),
        ({**ORIGIN, "REMOTE_VIDEO_PUBLIC_ORIGIN": "https://localhost"}, "loopback"),
        ({**ORIGIN, "REMOTE_VIDEO_PUBLIC_ORIGIN": "https:///view"}, "no host"),
        ({**ORIGIN, "REMOTE_VIDEO_PUBLIC_ORIGIN": "https://host.example:99999"}, "port"),
        ({**ORIGIN, "REMOTE_VIDEO_PUBLIC_ORIGIN": "https://0.0.0.0:8188"}, "not a public internet address"),
        ({**ORIGIN, "REMOTE_VIDEO_PUBLIC_ORIGIN": "https://192.168.1.5"}, "not a public internet address"),
        ({**ORIGIN, "REMOTE_VIDEO_PUBLIC_ORIGIN": "https://[fd00::5]"}, "not a public internet address"),
        ({**ORIGIN, "REMOTE_VIDEO_PUBLIC_ORIGIN": "http://0.0.0.0:8188"}, "https only"),
    ],
)
def test_what_the_provider_could_not_fetch_from_is_refused(
    environ: dict[str, str], complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=complaint) as caught:
        choose("runcomfy", Settings.from_environment(tmp_path, environ), tmp_path)
    assert "Next: Set " in str(caught.value)


def test_a_provider_that_takes_files_needs_no_transport_to_be_set_up(tmp_path: Path) -> None:
    settings = Settings.from_environment(tmp_path, {"REMOTE_VIDEO_UPLOADS": "s3"})
    assert choose("cometapi", settings, tmp_path).name == "data-uri"


def test_one_provider_on_this_machine_brings_no_other_nearer(tmp_path: Path) -> None:
    environ = {**ORIGIN, "REMOTE_VIDEO_PUBLIC_ORIGIN": "http://127.0.0.1:8188", "COMETAPI_BASE_URL": "http://127.0.0.1"}
    with pytest.raises(SettingsError, match="loopback"):
        choose("runcomfy", Settings.from_environment(tmp_path, environ), tmp_path)


def test_a_login_inside_the_origin_is_refused_and_not_repeated(tmp_path: Path) -> None:
    environ = {**ORIGIN, "REMOTE_VIDEO_PUBLIC_ORIGIN": "https://me:hunter2@host.example"}
    with pytest.raises(SettingsError, match="no login") as caught:
        choose("runcomfy", Settings.from_environment(tmp_path, environ), tmp_path)
    assert "hunter2" not in str(caught.value)
