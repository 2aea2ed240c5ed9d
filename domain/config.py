import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import urlsplit

SHORTEST_KEY = 32

DEMO_KEY = "demonstration-only-key-never-used-outside-the-demo"
S3_ADDRESSES = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT")
HERE = frozenset({"localhost", "127.0.0.1"})
BARE_URL = re.compile(r"https?://([\w.-]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?")
"""No path, as pages are at the root; no name and password, as every mail repeats it."""


class BadConfiguration(Exception):
    pass


@dataclass(frozen=True)
class Settings:
    """What differs between installations. What a clinic may change is data, in `clinic`."""

    public_url: str
    keys: tuple[str, ...]
    """Newest first; every one is still accepted, so that a key can be replaced."""
    data_dir: Path
    documents_url: str | None = None
    """Where the files of attachments are kept, if not in `data_dir`."""
    smtp_url: str | None = None
    mail_from: str = "portail@localhost"
    is_demo: bool = False
    has_jobs: bool = True
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    crowd: tuple[int, int, float] = (16, 128, 5.0)
    """Requests at work in one process, those that wait for a place there, and for how long."""

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def host(self) -> str:
        return urlsplit(self.public_url).netloc.lower()

    @property
    def mailbox(self) -> Path:
        return self.data_dir / "mailbox"

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        is_demo = env.get("PORTAL_DEMO") == "1"
        public_url = _public_url(env)
        settings = cls(
            public_url=public_url,
            keys=_keys(env, is_demo),
            data_dir=Path(env.get("DATA_DIR", "data")),
            documents_url=_bucket(env),
            smtp_url=secret("SMTP_URL", env) or None,
            mail_from=env.get("MAIL_FROM", f"portail@{urlsplit(public_url).hostname}"),
            is_demo=is_demo,
            has_jobs=env.get("PORTAL_JOBS", "on") != "off",
            trusted_proxies=_networks(env),
            crowd=(
                _count("MOST_AT_ONCE", env, cls.crowd[0]),
                _count("MOST_WAITING", env, cls.crowd[1]),
                cls.crowd[2],
            ),
        )
        if is_demo and urlsplit(public_url).hostname not in HERE:
            raise BadConfiguration("a demonstration, its mailbox and its keys stay on localhost")
        if not is_demo and not settings.is_https:
            raise BadConfiguration("PUBLIC_URL must begin with https:// outside the demo")
        if not is_demo and settings.smtp_url is None:
            raise BadConfiguration("SMTP_URL is needed outside the demo")
        return settings


def _public_url(env: Mapping[str, str]) -> str:
    url = env.get("PUBLIC_URL", f"http://localhost:{env.get('PORT', '8000')}").rstrip("/")
    if not BARE_URL.fullmatch(url):
        raise BadConfiguration("PUBLIC_URL is https://host or https://host:port, and no more")
    return url


def _networks(env: Mapping[str, str]) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(each) for each in env.get("TRUSTED_PROXIES", "").split())
    except ValueError:  # which quotes it: a mistyped secret is not for the log
        raise BadConfiguration(
            "TRUSTED_PROXIES is addresses or networks (10.0.0.2, 10.0.0.0/8), separated by spaces"
        ) from None


def _count(name: str, env: Mapping[str, str], default: int) -> int:
    text = env.get(name, "") or str(default)
    if not text.isdecimal() or int(text) == 0:
        raise BadConfiguration(f"{name} must be a number")
    return int(text)


def _bucket(env: Mapping[str, str]) -> str | None:
    url = env.get("DOCUMENTS_URL", "")
    if not url:
        return None
    place = urlsplit(url)
    if place.scheme != "s3" or not place.netloc or place.query or place.username:
        raise BadConfiguration("DOCUMENTS_URL must be s3://bucket or s3://bucket/folder")
    for name in S3_ADDRESSES:
        address = urlsplit(env.get(name, ""))
        if address.scheme == "http" and address.hostname not in HERE:
            raise BadConfiguration(f"{name} must begin with https://, except on this machine")
    return url


def backup_keys(env: Mapping[str, str]) -> tuple[str, ...]:
    """What backups are sealed with: the newest first, the older ones still open theirs."""
    keys = _keys_named("PORTAL_BACKUP_KEY", env)
    if not keys:
        raise BadConfiguration(
            "PORTAL_BACKUP_KEY or PORTAL_BACKUP_KEY_FILE is needed: a random key, newest first"
        )
    return keys


def _keys(env: Mapping[str, str], is_demo: bool) -> tuple[str, ...]:
    keys = _keys_named("PORTAL_KEYS", env)
    if not keys and is_demo:
        return (DEMO_KEY,)
    if not keys:
        raise BadConfiguration(
            "PORTAL_KEYS or PORTAL_KEYS_FILE is needed: random keys, newest first"
        )
    return keys


def _keys_named(name: str, env: Mapping[str, str]) -> tuple[str, ...]:
    keys = tuple(secret(name, env).split())
    for key in keys:
        if len(key) < SHORTEST_KEY or key == DEMO_KEY or len(set(key)) < 8:
            raise BadConfiguration(f"{name}: each key needs {SHORTEST_KEY} random characters")
    return keys


def secret(name: str, env: Mapping[str, str]) -> str:
    """From the file that `…_FILE` names, if it does: its owner's alone."""
    file = env.get(f"{name}_FILE")
    return _secret_file(Path(file)).strip() if file else env.get(name, "")


def _secret_file(path: Path) -> str:
    try:
        if path.stat().st_mode & 0o077:
            raise BadConfiguration(f"{path} may be read by others: chmod 600")
        return path.read_text()
    except OSError as error:
        raise BadConfiguration(f"{path} cannot be read: {error.strerror}") from error
