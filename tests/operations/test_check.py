"""`portal check` finds what is wrong with a deployment, and says what to do about it."""

import asyncio
import sqlite3
import ssl
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import pytest

from domain import db
from domain.config import BadConfiguration, Settings, backup_keys
from domain.messages.files import FolderStore
from operations import healthy
from operations.check import (
    configuration,
    database,
    machine,
    mail_server,
    proxy,
)
from operations.check.finding import Finding, State
from operations.check.proxy import FORGED, Answer
from tests import databases
from tests.jobs.smtp_server import (
    PASSWORD,
    USER,
    Post,
    certificate,
    passwords_checked,
    smtp_server,
)
from tests.world import World
from web import cli
from web.gate import HEADERS, TRANSPORT

KEY, OTHER = "a" * 8 + "0123456789abcdefghijklmnopqrstuv", "b" * 8 + "0123456789abcdefghijklmnop"
NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
ENVIRONMENT = {
    "PUBLIC_URL": "https://portail.example",
    "PORTAL_KEYS": KEY,
    "PORTAL_BACKUP_KEY": OTHER,
    "SMTP_URL": "smtp+plain://127.0.0.1:9",
    "TRUSTED_PROXIES": "10.0.0.2",
}


def settings(**more: str) -> Settings:
    return Settings.from_env(ENVIRONMENT | more)


def states(findings: Iterator[Finding] | Sequence[Finding]) -> dict[str, str]:
    return {finding.subject: finding.state.value for finding in findings}


# Keys and other secrets, R107


@pytest.mark.parametrize("name", ["PORTAL_KEYS", "PORTAL_BACKUP_KEY"])
@pytest.mark.parametrize("key", ["changeme", "x" * 40, "changeme" * 5, KEY[:31], f"{KEY} short"])
def test_a_weak_key_is_refused(name: str, key: str) -> None:
    with pytest.raises(BadConfiguration, match=f"{name}: each key needs 32 random") as problem:
        (backup_keys if "BACKUP" in name else Settings.from_env)(ENVIRONMENT | {name: key})
    assert key not in str(problem.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
@pytest.mark.parametrize("name", ["PORTAL_KEYS", "PORTAL_BACKUP_KEY", "SMTP_URL"])
def test_a_secret_in_a_file_is_its_owners_alone(mode: int, name: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{KEY}\n")
    read = backup_keys if "BACKUP" in name else Settings.from_env
    env = ENVIRONMENT | {f"{name}_FILE": str(file)}
    file.chmod(mode)
    with pytest.raises(BadConfiguration, match="may be read by others"):
        read(env)
    file.chmod(0o600)
    assert read(env)
    file.unlink()
    with pytest.raises(BadConfiguration, match="cannot be read"):
        read(env)


def test_two_keys_are_accepted_and_the_first_is_used() -> None:
    assert settings(PORTAL_KEYS=f"{KEY} {OTHER}").keys == (KEY, OTHER)


@pytest.mark.parametrize(
    ("more", "subject", "state"),
    [
        ({}, "keys", "ok"),
        ({"PORTAL_KEYS": f"{KEY} {KEY[::-1]}"}, "keys", "ok"),
        ({"PORTAL_KEYS": f"{KEY} {KEY[::-1]} {OTHER[::-1]}"}, "keys", "look"),
        ({}, "backup key", "ok"),
        ({"PORTAL_BACKUP_KEY": ""}, "backup key", "look"),
        ({"PORTAL_BACKUP_KEY": KEY}, "backup key", "FAIL"),
        ({"TRUSTED_PROXIES": ""}, "trusted proxies", "look"),
        ({"TRUSTED_PROXIES": "0.0.0.0/0"}, "trusted proxies", "FAIL"),
        ({"TRUSTED_PROXIES": "10.0.0.0/8 fd00::/64"}, "trusted proxies", "ok"),
    ],
)
def test_the_environment(more: dict[str, str], subject: str, state: str) -> None:
    env = ENVIRONMENT | more
    assert states(configuration.findings(Settings.from_env(env), env))[subject] == state


# The database


async def found_in_database() -> dict[str, str]:
    return states([finding async for finding in database.findings()])


async def test_a_database_in_use_is_well(world: World) -> None:
    found = await found_in_database()
    assert {found[name] for name in ("database", "schema", "journal", "clinic")} == {"ok"}
    assert found["jobs"] == "look"


async def test_a_place_without_a_database_is_told_what_to_do_and_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (ENVIRONMENT | {"DATA_DIR": str(tmp_path / "data")}).items():
        monkeypatch.setenv(name, value)
    assert await asyncio.to_thread(cli.main, ["check", "--without-proxy"]) == 1
    assert not (tmp_path / "data").exists()
    said = capsys.readouterr().out
    assert "install -d -m 700" in said
    assert "run `portal migrate`" in said or databases.IS_POSTGRES


@pytest.mark.parametrize("what", ["no database", "a page"])
async def test_a_damaged_database_is_told_and_the_rest_is_looked_at(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "portal.sqlite"
    damaged(file, first=0 if what == "no database" else 4096)
    monkeypatch.setattr(databases.engine(), "path", str(file))
    for name, value in (ENVIRONMENT | {"DATA_DIR": str(tmp_path)}).items():
        monkeypatch.setenv(name, value)
    assert await asyncio.to_thread(cli.main, ["check", "--without-proxy"]) == 1
    said = capsys.readouterr().out
    assert "FAIL  database            damaged: DatabaseError\n" in said
    assert "mail server" in said
    assert " findings: " in said
    assert await asyncio.to_thread(cli.main, ["serve"]) == 3
    assert capsys.readouterr().err == "The database is damaged: DatabaseError.\n"


def damaged(file: Path, first: int) -> None:
    """From this byte on."""
    with closing(sqlite3.connect(file)) as written, written:
        written.execute("PRAGMA page_size = 4096")
        written.execute("CREATE TABLE migration (app_name, name)")
        written.executemany("INSERT INTO migration VALUES ('portal', ?)", [("x" * 99,)] * 500)
    content = file.read_bytes()
    file.write_bytes(content[:first] + b"\xff" * (len(content) - first))


async def test_a_clinic_that_said_too_little_is_told(world: World) -> None:
    await world.set_clinic(phone="")
    assert (await found_in_database())["clinic"] == "FAIL"


async def test_another_versions_schema_is_told_and_not_started_on(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """R121: what a newer portal wrote is not touched by an older one."""
    add = "INSERT INTO migration (name, app_name, ran_on) VALUES ({}, {}, {})"
    await db.fetch(add, "2099-01-01", "portal", NOW.replace(tzinfo=None))
    assert (await found_in_database())["schema"] == "FAIL"
    monkeypatch.setattr("uvicorn.run", lambda *_, **__: pytest.fail("it was started"))
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    for name in ("serve", "jobs"):
        assert await asyncio.to_thread(cli.main, [name]) == 2
        assert "a newer version of the portal" in capsys.readouterr().err
    await db.fetch("DELETE FROM migration WHERE name = {}", "2099-01-01")
    await db.fetch("DELETE FROM migration WHERE name = {}", max(await names_of_migrations()))
    assert (await found_in_database())["schema"] == "FAIL"
    assert await asyncio.to_thread(cli.main, ["serve"]) == 2
    assert capsys.readouterr().err == "The database is not up to date: run `portal migrate`.\n"


async def names_of_migrations() -> list[str]:
    return [row["name"] for row in await db.fetch("SELECT name FROM migration")]


async def test_whoever_leads_the_jobs_is_seen(world: World) -> None:
    from jobs.leader import _lock

    lock = _lock(db.engine())
    assert await lock.take()
    assert (await found_in_database())["jobs"] == "ok"
    await lock.let_go()
    assert (await found_in_database())["jobs"] == "look"


@pytest.mark.postgres
async def test_postgresqls_own_findings(world: World) -> None:
    found = await found_in_database()
    assert {
        name: found[name] for name in ("database role", "database connection", "database clock")
    } == {"database role": "look", "database connection": "ok", "database clock": "ok"}
    assert database._clocks(timedelta(minutes=-3)).told == "-180 s from this machine's"


# This machine


def test_a_folder_that_others_may_read_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert machine._rights(tmp_path).state == State.WRONG
    tmp_path.chmod(0o700)
    assert machine._rights(tmp_path).state == State.WELL
    assert machine._rights(tmp_path / "none").state == State.WRONG


@pytest.mark.parametrize(("free", "state"), [(10**8, "FAIL"), (2 * 10**9, "look"), (10**12, "ok")])
def test_a_full_disk_is_told(
    free: int, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    assert machine._disk(tmp_path).state == state


async def test_a_store_must_keep_what_it_is_given(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "documents")
    assert (await machine.store(store)).state == State.WELL
    assert await store.names() == {}
    (tmp_path / "file").touch()
    assert (await machine.store(FolderStore(tmp_path / "file"))).state == State.WRONG


async def test_a_mail_server_that_does_not_answer_is_told_without_its_password() -> None:
    finding = await mail_server.finding(settings(SMTP_URL="smtps://user:hunter2@127.0.0.1:9"))
    assert finding.state == State.WRONG
    assert "hunter2" not in f"{finding}"


@pytest.mark.parametrize(
    ("password", "trusted", "state", "advice"),
    [
        (PASSWORD, True, "ok", ""),
        ("wrong", True, "FAIL", "see to the user and the password"),
        (PASSWORD, False, "FAIL", "name the server as its certificate does"),
    ],
)
async def test_the_mail_server_is_verified_and_signed_in_to_and_nothing_is_sent(
    password: str, trusted: bool, state: str, advice: str, tmp_path: Path
) -> None:
    post = Post()
    server, client = certificate(tmp_path)
    signs_in = {"authenticator": passwords_checked, "auth_required": True}
    async with smtp_server(post, tls=server, **signs_in) as port:
        url = f"smtp://{USER}:{quote(password, safe='')}@localhost:{port}"
        tls = client if trusted else ssl.create_default_context()
        finding = await mail_server.finding(settings(SMTP_URL=url), tls=tls)
    assert (finding.state, finding.advice[: len(advice)]) == (state, advice)
    assert (post.arrived, password in f"{finding}") == ([], False)


async def test_a_password_with_a_bare_slash_is_not_quoted() -> None:
    finding = await mail_server.finding(settings(SMTP_URL="smtp://user:hun/ter2@mail.example:587"))
    assert finding.told == "SMTP_URL: write %2F for a slash, %40 for an @ in its password"


async def test_a_server_without_starttls_is_not_to_be_used() -> None:
    async with smtp_server(Post()) as port:
        finding = await mail_server.finding(settings(SMTP_URL=f"smtp://127.0.0.1:{port}"))
    assert (finding.state, finding.advice[:22]) == (State.WRONG, "ask for another server")


# Behind the proxy


def answer(
    status: int = 200, body: bytes = b"ok", here: str = "198.51.100.1", **more: str
) -> Answer:
    headers = HEADERS | TRANSPORT | {"date": "Mon, 23 Nov 2026 15:00:00 GMT"}
    return Answer(
        status,
        [*headers.items(), *((name.replace("_", "-"), value) for name, value in more.items())],
        body,
        here,
        NOW + timedelta(days=60),
    )


@pytest.mark.parametrize(
    ("given", "state", "told"),
    [
        (answer(), "ok", "the portal answers"),
        (answer(400, b"Unknown host"), "FAIL", "it does not pass the Host"),
        (answer(503, b"database away"), "FAIL", "it answers 503: database away"),
        (answer(502, b"<html>"), "FAIL", "it answers 502"),
        (answer(200, b"<h1>It works"), "FAIL", "200 where the portal"),
    ],
)
def test_what_answers_at_the_public_address(given: Answer, state: str, told: str) -> None:
    finding = proxy._reached(given)
    assert finding.state == state
    assert finding.told.startswith(told)


@pytest.mark.parametrize(
    ("seen", "here", "state", "told"),
    [
        ("198.51.100.1 10.0.0.2", "198.51.100.1", "ok", "198.51.100.1 behind 10.0.0.2"),
        ("10.0.0.9 10.0.0.9", "198.51.100.1", "FAIL", "all visitors are 10.0.0.9 to the portal, w"),
        ("10.0.0.2 10.0.0.2", "198.51.100.1", "FAIL", "all visitors are 10.0.0.2 to the portal:"),
        (f"{FORGED} 10.0.0.2", "198.51.100.1", "FAIL", "anyone may claim any address"),
        ("", "198.51.100.1", "FAIL", "the portal that answers does not know this command's key"),
        (f"{FORGED} 10.0.0.2", "10.0.0.2", "skip", "this machine is itself a trusted proxy"),
    ],
)
def test_the_proxy_says_who_the_client_is(seen: str, here: str, state: str, told: str) -> None:
    given = answer(here=here, **({"x_portal_seen": seen} if seen else {}))
    finding = proxy._seen(given, settings())
    assert finding.state == state
    assert finding.told.startswith(told)


def test_the_portals_headers_arrive_once_and_unaltered() -> None:
    assert proxy._headers(answer(), settings()).state == State.WELL
    doubled = proxy._headers(answer(x_frame_options="SAMEORIGIN"), settings())
    assert doubled.told == "lost, doubled or altered on the way: x-frame-options"


def test_a_certificate_about_to_end_is_told() -> None:
    assert proxy._certificate(NOW + timedelta(days=60), NOW).state == State.WELL
    assert proxy._certificate(NOW + timedelta(days=13), NOW).state == State.DOUBTFUL


# All of it


async def test_the_command_tells_each_line_no_secret_and_fails_for_what_is_wrong(
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "records").write_text('portail.example TXT "v=spf1 -all"')
    tmp_path.chmod(0o700)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    options = ["check", "--without-proxy", "--dns-file", str(tmp_path / "records")]
    assert await asyncio.to_thread(cli.main, options) == 1
    said = capsys.readouterr().out
    lines = {line[6:25].strip(): line[:5].strip() for line in said.splitlines() if line[:1] != " "}
    assert {name: lines[name] for name in ("schema", "store", "mail server", "SPF", "DMARC")} == {
        "schema": "ok",
        "store": "ok",
        "mail server": "FAIL",
        "SPF": "skip",
        "DMARC": "FAIL",
    }
    assert KEY not in said
    assert OTHER not in said


def test_a_configuration_that_cannot_be_read_is_one_finding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORTAL_KEYS", "changeme")
    monkeypatch.delenv("PORTAL_DEMO", raising=False)
    assert cli.main(["check"]) == 1
    assert capsys.readouterr().out.startswith("FAIL  configuration       PORTAL_KEYS: each key")


def test_a_container_is_not_well_when_nothing_answers() -> None:
    assert healthy.main(9) == 1
