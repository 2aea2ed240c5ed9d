"""What reaches the server as bytes, before any handler."""

import socket
import time
from urllib.parse import urlsplit

import pytest

from e2e.portal import Portal
from web import connections

BEHIND = "GET /smuggled HTTP/1.1\r\n\r\n"
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"
SMUGGLED = {
    "two lengths": "Content-Length: 3\r\nContent-Length: 30\r\n\r\na=b" + BEHIND,
    "length and chunks": "Content-Length: 30\r\nTransfer-Encoding: chunked\r\n\r\n"
    "0\r\n\r\n" + BEHIND,
    "a coding of no kind": "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + BEHIND,
    "a length that is none": "Content-Length: +3\r\n\r\na=b",
    "a length below nothing": "Content-Length: -1\r\n\r\na=b",
    "a space before the colon": "Content-Length : 3\r\n\r\na=b",
    "a folded header": "X-A: b\r\n c\r\nContent-Length: 3\r\n\r\na=b",
    "a line feed alone": "X-A: b\nX-B: c\r\nContent-Length: 3\r\n\r\na=b",
    "a nul": "X-A: b\0c\r\nContent-Length: 3\r\n\r\na=b",
    "a chunk that is none": "Transfer-Encoding: chunked\r\n\r\nzz\r\na=b\r\n0\r\n\r\n",
}
LINES = {
    "an absolute form to elsewhere": "GET http://evil.example/ HTTP/1.1",
    "no host": "GET /connexion HTTP/1.1",
    "an authority": "CONNECT evil.example:443 HTTP/1.1",
    "an unknown version": "GET /connexion HTTP/9.9",
    "no method": " /connexion HTTP/1.1",
    "a path that is none": "GET \\\\evil.example HTTP/1.1",
}


@pytest.mark.parametrize("sent", SMUGGLED.values(), ids=SMUGGLED)
def test_nothing_is_smuggled_behind_another_request(portal: Portal, sent: str) -> None:
    """A request whose end could be read in two ways is one answer and the end of the line."""
    host = urlsplit(portal.url).netloc
    head = f"POST /connexion HTTP/1.1\r\nHost: {host}\r\nOrigin: {portal.url}\r\n{FORM}"
    said = answers(portal, head + sent)
    assert len(said) == 1
    assert 400 <= said[0] < 500


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_a_request_to_nowhere_of_ours_is_refused(portal: Portal, line: str) -> None:
    """A15: whatever the first line names, the host has to be the portal's own."""
    (said,) = answers(portal, f"{line}\r\nX-Forwarded-Host: {urlsplit(portal.url).netloc}\r\n\r\n")
    assert 400 <= said < 500


def test_a_head_without_end_is_cut_off(portal: Portal) -> None:
    host = urlsplit(portal.url).netloc
    sent = f"GET / HTTP/1.1\r\nHost: {host}\r\n" + f"X-A: {'a' * 60_000}\r\n" * 20
    assert answers(portal, sent) == []


def test_who_sends_nothing_is_not_waited_for(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_WITHIN", 0.2)
    for sent in ("", "GET / HTTP/1.1\r\nHost: x"):
        began = time.monotonic()
        assert answers(portal, sent, patience=10) == []
        assert time.monotonic() - began < 5


def test_no_answer_says_what_made_it(portal: Portal) -> None:
    """Neither the portal's own, nor those that the server gives by itself."""
    host = f"Host: {urlsplit(portal.url).netloc}\r\n"
    asked = {200: f"GET /connexion HTTP/1.1\r\n{host}\r\n", 400: "GET / HTTP/1.1\r\nA : b\r\n\r\n"}
    for status, sent in asked.items():
        head = received(portal, sent).partition(b"\r\n\r\n")[0].decode().lower()
        assert head.startswith(f"http/1.1 {status}")
        assert {line.partition(":")[0] for line in head.splitlines()} & {
            *("server", "x-powered-by", "via")
        } == set()
        assert "uvicorn" not in head


def answers(portal: Portal, sent: str, patience: float = 20) -> list[int]:
    """The statuses of all that comes back until the server closes, or is silent."""
    parts = received(portal, sent, patience).split(b"HTTP/1.1 ")[1:]
    return [int(each[:3]) for each in parts]


def received(portal: Portal, sent: str, patience: float = 20) -> bytes:
    """The first part of an answer may take its time; then a second of silence is its end."""
    url = urlsplit(portal.url)
    with socket.create_connection(("127.0.0.1", url.port or 80), timeout=patience) as line:
        came = b""
        try:
            line.sendall(sent.encode("latin-1"))
            while part := line.recv(65536):
                came += part
                line.settimeout(1)
        except (TimeoutError, ConnectionError):
            pass
    return came
