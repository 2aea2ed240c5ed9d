"""deploy/proxy/nginx.conf in earnest: nginx, TLS, and the portal behind it (`make soak`)."""

import asyncio
import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from domain import clock
from domain.config import Settings
from operations.check import proxy
from tests import databases, pgtmp
from tests.jobs.smtp_server import certificate
from tests.world import World

pytestmark = pytest.mark.soak

ROOT = Path(__file__).parents[2]
PROXY = "127.0.0.9"
"""From which nginx asks the portal, so that this machine itself is no trusted proxy."""
KEY = "0123456789abcdefghijklmnopqrstuvwxyz"
MEGABYTE = 2**20
FILES = "/clinique/communications"


@dataclass
class Nginx:
    folder: Path
    port: int
    plain: int
    tls: ssl.SSLContext

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, Any]:
        connection = http.client.HTTPSConnection("localhost", self.port, context=self.tls)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.headers
        finally:
            connection.close()

    @property
    def log(self) -> str:
        return (self.folder / "portal.log").read_text()


@contextmanager
def nginx(folder: Path, *upstreams: int) -> Iterator[Nginx]:
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "install nginx (Debian: nginx-light) for this test"
    _, client = certificate(folder)
    port, plain = pgtmp.free_port(), pgtmp.free_port()
    text = (ROOT / "deploy/proxy/nginx.conf").read_text()
    servers = "".join(f"server 127.0.0.1:{each} max_fails=2 fail_timeout=5s;" for each in upstreams)
    text = re.sub(r"(    server 127.*\n)+", servers, text)
    for was, here in (
        (r"listen \[::\].*", ""),
        (r"listen 80;", f"listen 127.0.0.1:{plain};"),
        (r"listen 443", f"listen 127.0.0.1:{port}"),
        (r"portail\.example\.org;", "localhost;"),
        (r"/etc/letsencrypt/.*/fullchain.pem", f"{folder}/localhost.crt"),
        (r"/etc/letsencrypt/.*/privkey.pem", f"{folder}/localhost.key"),
        (r"/var/log/nginx", str(folder)),
        (r"(proxy_pass .*)", rf"\1 proxy_bind {PROXY};"),
    ):
        text, found = re.subn(was, here, text)
        assert found, was
    config = folder / "nginx.conf"
    places = "".join(
        f"{each}_temp_path {folder}/{each};"
        for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config.write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/errors;"
        f"events {{}} http {{ {places} {text} }}"
    )
    with subprocess.Popen(
        [program, "-c", config, "-e", folder / "errors"], stderr=subprocess.PIPE
    ) as process:
        try:
            wait_for(port, process)
            yield Nginx(folder, port, plain, client)
        finally:
            process.terminate()


def wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail("it does not listen")


@dataclass
class Upstream:
    port: int
    bodies: list[tuple[str, int]] = field(default_factory=list)
    headers: list[Any] = field(default_factory=list)


@contextmanager
def upstream(status: int = 200) -> Iterator[Upstream]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            size = int(self.headers.get("content-length", 0))
            told.bodies.append((self.path, len(self.rfile.read(size))))
            told.headers.append(self.headers)
            self.send_response(status)
            self.send_header("retry-after", "7")
            self.send_header("content-length", "0")
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told = Upstream(server.server_port)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def portal(port: int, environment: dict[str, str]) -> Iterator[None]:
    command = [sys.executable, "-m", "web.cli", "serve", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            wait_for(port, process)
            yield
        finally:
            process.terminate()


async def test_the_check_finds_all_well_behind_it(world: World, tmp_path: Path) -> None:
    port = pgtmp.free_port()
    with nginx(tmp_path, port) as proxied:
        environment = databases.environment() | {
            "PUBLIC_URL": f"https://localhost:{proxied.port}",
            "PORTAL_KEYS": KEY,
            "SMTP_URL": "smtp+plain://127.0.0.1:9",
            "TRUSTED_PROXIES": PROXY,
            "PORTAL_JOBS": "off",
        }
        settings = Settings.from_env(environment)

        def found() -> dict[str, str]:
            findings = proxy.findings(settings, clock.now(), tls=proxied.tls)
            return {finding.subject: f"{finding.state} {finding.told}" for finding in findings}

        assert (await asyncio.to_thread(found))["proxy"].startswith("FAIL it answers 502")
        with portal(port, environment):
            await asyncio.sleep(5.5)  # until nginx asks it again
            said = await asyncio.to_thread(found)
    assert said["proxy"] == "ok the portal answers through it"
    assert said["client's address"].startswith(f"ok 127.0.0.1 behind {PROXY}")
    assert said["headers"] == "ok each as the portal sent it, and once"
    assert said["certificate"].startswith("look verified, until ")  # it lasts two days


def test_forms_with_files_pass_whole_and_larger_ones_do_not(tmp_path: Path) -> None:
    with upstream() as behind, nginx(tmp_path, behind.port) as proxied:
        for path in (f"{FILES}/nouvelle", f"{FILES}/0f8fad5b-d9cb-469f-a165-70867728950e/reponse"):
            assert proxied.ask("POST", path, bytes(50 * MEGABYTE))[0] == 200
            assert proxied.ask("POST", path, bytes(52 * MEGABYTE))[0] == 413
        assert proxied.ask("POST", "/a", bytes(300_000))[0] == 200
        for path in ("/b", FILES, f"/b{FILES}/nouvelle", f"{FILES}/nouvelle/b"):
            assert proxied.ask("POST", path, bytes(400_000))[0] == 413
    assert [size for _, size in behind.bodies] == [50 * MEGABYTE, 50 * MEGABYTE, 300_000]
    assert {headers["host"] for headers in behind.headers} == {f"localhost:{proxied.port}"}


def test_port_80_leads_to_the_portal_whatever_host_is_asked_for(tmp_path: Path) -> None:
    with nginx(tmp_path, pgtmp.free_port()) as proxied:
        connection = http.client.HTTPConnection("localhost", proxied.plain)
        connection.request("GET", "/connexion?a=b", headers={"Host": "evil.example"})
        answer = connection.getresponse()
        connection.close()
    assert (answer.status, answer.headers["location"]) == (308, "https://localhost/connexion?a=b")


def test_one_address_has_only_so_many_requests_under_way(tmp_path: Path) -> None:
    begun = b"POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
    with upstream() as behind, nginx(tmp_path, behind.port) as proxied, ExitStack() as held:
        for _ in range(200):
            line = socket.create_connection(("localhost", proxied.port))
            held.enter_context(proxied.tls.wrap_socket(line, server_hostname="localhost")).send(
                begun
            )
        until(lambda: proxied.ask("GET", "/b")[0], 429)
        held.close()
        until(lambda: proxied.ask("GET", "/b")[0], 200)


def until(asked: Callable[[], int], wanted: int) -> None:
    deadline = time.monotonic() + 5
    while (status := asked()) != wanted:
        assert time.monotonic() < deadline, status
        time.sleep(0.05)


def test_host_and_address_are_passed_and_no_address_of_a_page_is_logged(tmp_path: Path) -> None:
    with upstream() as behind, nginx(tmp_path, behind.port) as proxied:
        forged = {"X-Forwarded-For": "192.0.2.66", "X-Forwarded-Host": "evil.example"}
        proxied.ask("GET", "/desabonnement/SECRET?motif=PRIVATE", **forged)
        log = proxied.log
    (headers,) = behind.headers
    assert headers["host"] == f"localhost:{proxied.port}"
    assert headers["x-forwarded-for"] == "192.0.2.66, 127.0.0.1"
    assert headers.get("x-forwarded-host") is None
    assert re.fullmatch(r"127\.0\.0\.1 \[\S+\] GET 200 0 \S+ \S+\n", log)


def test_503_passes_as_the_portal_said_it_and_is_not_tried_elsewhere(tmp_path: Path) -> None:
    with (
        upstream(503) as one,
        upstream(503) as other,
        nginx(tmp_path, one.port, other.port) as proxied,
    ):
        status, headers = proxied.ask("POST", "/reservation", b"x")
    assert (status, headers["retry-after"], headers.get("server")) == (503, "7", "nginx")
    assert len(one.bodies + other.bodies) == 1


def test_a_process_that_is_gone_is_passed_over(tmp_path: Path) -> None:
    with upstream() as one, nginx(tmp_path, pgtmp.free_port(), one.port) as proxied:
        assert {proxied.ask("GET", "/")[0] for _ in range(6)} == {200}
