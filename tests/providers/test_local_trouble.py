"""What is put down to a setting of this machine, and what may pass."""

from __future__ import annotations

import ssl

import pytest
import requests
from remote_video_pack.remote_video.providers.local_trouble import setting_to_blame


@pytest.mark.parametrize(
    "error",
    [
        requests.exceptions.ConnectionError("SOCKSHTTPSConnectionPool: Connection refused"),
        requests.exceptions.InvalidSchema("No connection adapters were found"),
    ],
    ids=["a proxy that is down", "another kind of address"],
)
def test_a_missing_package_is_blamed_for_what_it_would_do_alone(error):
    assert setting_to_blame(error, "Acme") is None


def test_a_folder_of_certificates_is_one_that_can_be_named(monkeypatch, tmp_path):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    broken = ssl.SSLError(1, "wrong version number")
    assert setting_to_blame(broken, "Acme") is None
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    blamed = setting_to_blame(broken, "Acme")
    assert blamed is not None and "REQUESTS_CA_BUNDLE does not name a file" in blamed.what
