"""Asks the portal at its public address, as a browser would: what does the proxy make of it?"""

import ssl
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address
from urllib.parse import urlsplit

from domain.config import Settings
from domain.links import Links
from operations.check.finding import Finding
from web.gate import HEADERS, TRANSPORT
from web.health import QUESTION, SEEN

PATIENCE = 10
FORGED = "192.0.2.66"
"""An address that nobody has: a client that claims it is not to be believed."""
SOON = timedelta(days=14)
MOST_OFF = timedelta(seconds=30)
UNAVAILABLE = frozenset({502, 503, 504})


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes
    own_address: str
    certificate_ends: datetime | None

    def all_of(self, name: str) -> list[str]:
        return [value for each, value in self.headers if each.lower() == name]


def findings(
    settings: Settings, now: datetime, *, tls: ssl.SSLContext | None = None
) -> Iterator[Finding]:
    try:
        answer = _asked(settings, now, tls)
    except ssl.SSLCertVerificationError as error:
        yield Finding.wrong(
            "proxy", f"its certificate: {error.verify_message}", "renew it, with its whole chain"
        )
        return
    except (OSError, HTTPException) as error:
        yield Finding.wrong(
            "proxy",
            f"{settings.public_url} does not answer: {type(error).__name__}",
            "start the proxy, see to its name in DNS and to the firewall; before it runs,"
            " --without-proxy leaves this out",
        )
        return
    reached = _reached(answer)
    yield reached
    if not reached.advice:
        yield _seen(answer, settings)
        yield _headers(answer, settings)
        yield _dated(answer, now)
        if answer.certificate_ends:
            yield _certificate(answer.certificate_ends, now)
    if settings.is_https:
        yield _without_tls(settings)


def _asked(settings: Settings, now: datetime, tls: ssl.SSLContext | None) -> Answer:
    connection = _connection(settings.public_url, tls)
    with closing(connection):
        question = Links(settings.keys).sign_question(now)
        told = {QUESTION: question, "X-Forwarded-For": FORGED}
        connection.request("GET", "/sante", headers=told)
        here, ends = connection.sock, None
        own_address = str(here.getsockname()[0])
        if isinstance(here, ssl.SSLSocket):
            ends = _end_of(here)
        response = connection.getresponse()
        return Answer(response.status, response.getheaders(), response.read(100), own_address, ends)


def _connection(url: str, tls: ssl.SSLContext | None) -> HTTPConnection:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https":
        context = tls or ssl.create_default_context()
        return HTTPSConnection(host, parts.port or 443, timeout=PATIENCE, context=context)
    return HTTPConnection(host, parts.port or 80, timeout=PATIENCE)


def _end_of(sock: ssl.SSLSocket) -> datetime | None:
    told = (sock.getpeercert() or {}).get("notAfter")
    if not isinstance(told, str):
        return None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(told), UTC)


def _reached(answer: Answer) -> Finding:
    if answer.status == 200 and answer.body == b"ok":
        return Finding.well("proxy", "the portal answers through it")
    if answer.status == 400 and answer.body == b"Unknown host":
        return Finding.wrong(
            "proxy",
            "it does not pass the Host that the browser sent",
            "nginx: proxy_set_header Host $http_host; and see that PUBLIC_URL is that very address",
        )
    if answer.status in UNAVAILABLE:
        return Finding.wrong(
            "proxy",
            f"it answers {answer.status}: {_words(answer.body)}",
            "start `portal serve` where the proxy looks for it, and see to the database",
        )
    return Finding.wrong(
        "proxy",
        f"{answer.status} where the portal says ok",
        "something else answers at this address: see to the proxy's rules",
    )


def _seen(answer: Answer, settings: Settings) -> Finding:
    subject, told = "client's address", answer.all_of(SEEN)
    if not told:
        return Finding.wrong(
            subject,
            "the portal that answers does not know this command's key",
            "give every process, and this command, the same PORTAL_KEYS; and see to the clocks",
        )
    client, peer = told[0].split(" ", 1)
    trusted = settings.trusted_proxies
    if any(ip_address(answer.own_address) in network for network in trusted):
        return Finding.unknown(
            subject,
            "this machine is itself a trusted proxy, and believed whatever it says",
            "run `portal check` once from another machine, with the same keys",
        )
    if client == FORGED:
        return Finding.wrong(
            subject,
            "anyone may claim any address: the proxy passes on the X-Forwarded-For that it is sent",
            "have it append the address it sees: nginx, $proxy_add_x_forwarded_for",
        )
    if client == peer and not any(ip_address(peer) in network for network in trusted):
        return Finding.wrong(
            subject,
            f"all visitors are {peer} to the portal, which does not trust that proxy",
            f"add {peer} to TRUSTED_PROXIES, if that is the proxy",
        )
    if client == peer:
        return Finding.wrong(
            subject,
            f"all visitors are {peer} to the portal: the proxy does not say who they are",
            "have it append to X-Forwarded-For: nginx, $proxy_add_x_forwarded_for",
        )
    return Finding.well(subject, f"{client} behind {peer}, and a forged one is not believed")


def _headers(answer: Answer, settings: Settings) -> Finding:
    wanted = HEADERS | (TRANSPORT if settings.is_https else {})
    other = sorted(name for name, value in wanted.items() if answer.all_of(name) != [value])
    if other:
        return Finding.wrong(
            "headers",
            f"lost, doubled or altered on the way: {', '.join(other)}",
            "let the proxy pass the portal's headers, and add none of these itself",
        )
    return Finding.well("headers", "each as the portal sent it, and once")


def _dated(answer: Answer, now: datetime) -> Finding:
    try:
        difference = parsedate_to_datetime(answer.all_of("date")[0]) - now
    except (IndexError, ValueError, TypeError):
        return Finding.unknown("proxy's clock", "it does not say")
    if abs(difference) > MOST_OFF:
        return Finding.doubtful(
            "proxy's clock",
            f"{difference.total_seconds():+.0f} s from this machine's",
            "set both by NTP",
        )
    return Finding.well("proxy's clock", "as this machine's")


def _certificate(ends: datetime, now: datetime) -> Finding:
    told = f"verified, until {ends:%Y-%m-%d}"
    if ends - now < SOON:
        return Finding.doubtful("certificate", told, "renew it now, and see why that was not done")
    return Finding.well("certificate", told)


def _without_tls(settings: Settings) -> Finding:
    host = urlsplit(settings.public_url).hostname or ""
    try:
        with closing(HTTPConnection(host, 80, timeout=PATIENCE)) as connection:
            connection.request("GET", "/sante")
            response = connection.getresponse()
    except (OSError, HTTPException):
        return Finding.well("without TLS", "nothing answers on port 80")
    target = response.getheader("location", "")
    if response.status in {301, 308} and target.startswith("https://"):
        return Finding.well("without TLS", "sent to https")
    return Finding.doubtful(
        "without TLS",
        f"port 80 answers {response.status}",
        "have it redirect to https, permanently",
    )


def _words(body: bytes) -> str:
    return "".join(c for c in body.decode("ascii", "replace") if c.isprintable())[:60]
