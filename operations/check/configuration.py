"""What the environment says: addresses, keys, who is believed."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_network

from domain.config import BadConfiguration, Settings, backup_keys
from operations.check.finding import Finding

WIDEST = {4: 8, 6: 16}
"""A network of trusted proxies that is wider than these is half the world's."""


def findings(settings: Settings, env: Mapping[str, str]) -> Iterator[Finding]:
    yield _address(settings)
    yield _keys(settings)
    yield _backup_key(settings, env)
    yield _proxies(settings)


def _address(settings: Settings) -> Finding:
    if settings.is_demo:
        return Finding.doubtful(
            "address", "this is a demonstration", "set PORTAL_DEMO to nothing for real patients"
        )
    return Finding.well("address", f"{settings.public_url}, and no other host is answered")


def _keys(settings: Settings) -> Finding:
    if settings.is_demo:
        return Finding.unknown("keys", "a demonstration has its own")
    number = len(settings.keys)
    if number > 2:
        return Finding.doubtful(
            "keys",
            f"{number} keys are accepted",
            "take the oldest away once nothing is signed with it any more (docs/deployment.md)",
        )
    return Finding.well("keys", "1 key" if number == 1 else "2 keys, the first is used for new")


def _backup_key(settings: Settings, env: Mapping[str, str]) -> Finding:
    try:
        keys = backup_keys(env)
    except BadConfiguration as problem:
        return Finding.doubtful(
            "backup key", str(problem), "make one: `openssl rand -base64 48`, and keep a copy away"
        )
    if set(keys) & set(settings.keys):
        return Finding.wrong(
            "backup key",
            "it is one of the portal's own keys",
            "make another: who holds a backup and one key must not have both",
        )
    return Finding.well("backup key", "there is one; see that a copy of it is kept elsewhere")


def _proxies(settings: Settings) -> Finding:
    networks = settings.trusted_proxies
    if not networks:
        return Finding.doubtful(
            "trusted proxies",
            "none: all visitors count as one address in the limits on sign-in",
            "name the proxy's own address in TRUSTED_PROXIES",
        )
    wide = [network for network in networks if network.prefixlen < WIDEST[network.version]]
    if wide:
        return Finding.wrong(
            "trusted proxies",
            f"{wide[0]} is nearly everybody: anyone may claim any address",
            "name the proxies' own addresses in TRUSTED_PROXIES",
        )
    return Finding.well("trusted proxies", " ".join(str(ip_network(each)) for each in networks))
