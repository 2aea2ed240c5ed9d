"""An installation with weak keys, or that would speak in clear, does not start."""

from pathlib import Path

import pytest

from domain.config import DEMO_KEY, BadConfiguration, Settings

KEY = "4pXv7rQ2mN9sLw8zKd3tYb6hJc5gFa1e"
GOOD = {
    "PUBLIC_URL": "https://portail.example",
    "PORTAL_KEYS": KEY,
    "SMTP_URL": "smtps://mail.example",
}
BAD = {
    "no key": {"PORTAL_KEYS": ""},
    "a short key": {"PORTAL_KEYS": KEY[:-1]},
    "a key of one letter": {"PORTAL_KEYS": "a" * 40},
    "the demonstration's key": {"PORTAL_KEYS": DEMO_KEY},
    "an older key that is weak": {"PORTAL_KEYS": f"{KEY} changeme"},
    "an address in clear": {"PUBLIC_URL": "http://portail.example"},
    "an address with a password": {"PUBLIC_URL": "https://portail:Secret@portail.example"},
    "an address with a path": {"PUBLIC_URL": "https://portail.example/portail"},
    "an address without a host": {"PUBLIC_URL": "https://"},
    "a proxy's network with an address in it": {"TRUSTED_PROXIES": "10.0.0.1/8"},
    "a proxy's name": {"TRUSTED_PROXIES": "127.0.0.1 Secret"},
    "no mail server": {"SMTP_URL": ""},
    "a demonstration on the network": {"PORTAL_DEMO": "1"},
    "documents elsewhere in clear": {
        "DOCUMENTS_URL": "s3://documents",
        "AWS_ENDPOINT_URL": "http://store.example",
    },
}


@pytest.mark.parametrize("changed", BAD.values(), ids=BAD)
def test_a_weak_configuration_stops_the_start(changed: dict[str, str]) -> None:
    with pytest.raises(BadConfiguration) as problem:
        Settings.from_env(GOOD | changed)
    assert "Secret" not in str(problem.value)
    assert problem.value.__cause__ is None


@pytest.mark.parametrize(
    "url", ["https://portail.example/", "https://portail.example:8443", "https://[fd00::2]:8443"]
)
def test_an_address_is_kept_without_its_last_slash(url: str) -> None:
    assert Settings.from_env(GOOD | {"PUBLIC_URL": url}).public_url == url.rstrip("/")


def test_a_newer_key_comes_first_and_the_older_still_counts() -> None:
    newer = KEY[::-1]
    assert Settings.from_env(GOOD | {"PORTAL_KEYS": f"{newer} {KEY}"}).keys == (newer, KEY)


def test_keys_in_a_file_are_read_by_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{KEY}\n")
    file.chmod(0o600)
    given = GOOD | {"PORTAL_KEYS": "", "PORTAL_KEYS_FILE": str(file)}
    assert Settings.from_env(given).keys == (KEY,)
    file.chmod(0o640)
    with pytest.raises(BadConfiguration, match="chmod 600"):
        Settings.from_env(given)
