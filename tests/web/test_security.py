import logging
import re
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from domain import db
from tests.web.browser import (
    HOST,
    SETTINGS,
    Browser,
    Clock,
    Element,
    elements,
    heading,
    main,
    running,
)
from tests.web.routes import EVERYWHERE, FORMS, ROUTES, UNSAFE, Route, Scene
from tests.web.state import appointments, count, rows
from tests.world import World
from web.gate import Gate

EVIL = "https://evil.example"
FOREIGN = {
    "cross-site": {"sec-fetch-site": "cross-site"},
    "same-site": {"sec-fetch-site": "same-site"},
    "none": {"sec-fetch-site": "none"},
    "empty": {"sec-fetch-site": ""},
    "cross-site with our origin": {"sec-fetch-site": "cross-site", "origin": HOST},
    "nothing at all": {},
    "foreign origin": {"origin": EVIL},
    "foreign origin, our referer": {"origin": EVIL, "referer": f"{HOST}/"},
    "null origin": {"origin": "null"},
    "null origin, our referer": {"origin": "null", "referer": f"{HOST}/"},
    "foreign referer": {"referer": f"{EVIL}/{HOST}/"},
    "look-alike origin": {"origin": f"{HOST}.evil.example"},
    "our host by http": {"origin": HOST.replace("https", "http")},
    "another port": {"origin": f"{HOST}:8443"},
}
NATIVE = {
    "sec-fetch-site": {"sec-fetch-site": "same-origin"},
    "origin": {"origin": HOST},
    "referer": {"referer": f"{HOST}/connexion?suivant=%2F"},
}


async def send(
    browser: Browser, stage: Scene, route: Route, *, token: str | None = None, **options: object
) -> int:
    data = stage.data(route) | {"_csrf_token": browser.token if token is None else token}
    answer = await browser.http.post(stage.url(route), data=data, **options)  # type: ignore[arg-type]
    return answer.status_code


# Where a request comes from.


ONE_CLICK = "/desabonnement/{token}"
"""The one route a mailbox posts to by itself: tests/web/test_unsubscribing.py."""


async def test_request_of_another_site_is_refused_and_does_nothing(
    alice: Browser, stage: Scene
) -> None:
    """A48."""
    before = await rows(without=frozenset())
    del alice.http.headers["sec-fetch-site"]
    for route in [r for r in UNSAFE if r.path != ONE_CLICK]:
        for name, headers in FOREIGN.items():
            status = await send(alice, stage, route, headers=headers)
            assert (str(route), name, status) == (str(route), name, 403)
        assert (str(route), await rows(without=frozenset())) == (str(route), before)


@pytest.mark.parametrize("headers", NATIVE.values(), ids=NATIVE)
@pytest.mark.parametrize("route", UNSAFE, ids=str)
async def test_request_of_our_own_page_goes_through(
    alice: Browser, stage: Scene, route: Route, headers: dict[str, str]
) -> None:
    del alice.http.headers["sec-fetch-site"]
    status = await send(alice, stage, route, headers=headers)
    shown = {"/compte/export": 200, "/compte/validation": 200, ONE_CLICK: 200}
    answers = {"/csp": 204, "/session": 204, **shown, "/invitation/dossier": 409}
    assert status == answers.get(route.path, 303)


# The form's token.


async def test_form_without_this_browsers_own_token_is_refused_and_does_nothing(
    alice: Browser, charlie: Browser, app: Gate, stage: Scene
) -> None:
    """A48."""
    fresh = Browser(app)
    await fresh.get("/connexion")
    before = await rows(without=frozenset())
    own = alice.token
    flipped = own[:-1] + ("0" if own[-1] != "0" else "1")
    for route in FORMS:
        for token in ("", "é", own[:-1], flipped, own.upper(), charlie.token, fresh.token):
            status = await send(alice, stage, route, token=token)
            assert (str(route), token, status) == (str(route), token, 403)
        assert (str(route), await rows(without=frozenset())) == (str(route), before)


async def test_planted_cookie_does_not_make_a_strangers_token_good(
    alice: Browser, app: Gate, stage: Scene
) -> None:
    """A48."""
    attacker = Browser(app)
    await attacker.get("/connexion")
    planted = attacker.http.cookies["__Host-csrf"]
    for route in [route for route in FORMS if route.is_private]:
        alice.http.cookies.set("__Host-csrf", planted, domain="portail.example", path="/")
        status = await send(alice, stage, route, token=attacker.token)
        assert (str(route), status) == (str(route), 403)


async def test_token_of_before_the_sign_in_is_worth_nothing_after(
    stranger: Browser, stage: Scene
) -> None:
    await stranger.get("/connexion")
    early = stranger.token
    await stranger.sign_in()
    answer = await stranger.post("/deconnexion", {"_csrf_token": early})
    assert answer.status_code == 403
    assert heading(answer) == "Rechargez la page"


async def test_token_of_an_older_key_still_counts_and_of_a_dropped_one_no_longer(
    alice: Browser, clock: Clock
) -> None:
    newer = "a-newer-key-0123456789abcdefghijkl"
    rotated = Browser(running(clock, replace(SETTINGS, keys=(newer, *SETTINGS.keys))))
    dropped = Browser(running(clock, replace(SETTINGS, keys=(newer,))))
    statuses = []
    for browser in (rotated, dropped):
        browser.http.cookies = alice.http.cookies
        browser.token = alice.token
        statuses.append((await browser.post("/langue", {"langue": "en"})).status_code)
    assert statuses == [303, 403]


# One method a route, one value a field.


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_form_sent_by_another_method_does_nothing(
    alice: Browser, stage: Scene, method: str
) -> None:
    """A47."""
    before = await rows(without=frozenset({"audit_line", "session"}))
    for route in UNSAFE:
        data = stage.data(route) | {"_csrf_token": alice.token, "_method": "POST"}
        options = {"params": data} if method == "GET" else {"data": data}
        url = stage.url(route) if method != "GET" else stage.url(route).partition("?")[0]
        answer = await alice.http.request(method, url, **options)  # type: ignore[arg-type]
        is_page = any(r.path == route.path and r.method == "GET" for r in ROUTES)
        if not (method == "GET" and is_page):
            assert (str(route), answer.status_code) == (str(route), 405)
            assert "POST" in answer.headers["allow"]
        after = await rows(without=frozenset({"audit_line", "session"}))
        assert (str(route), after) == (str(route), before)


async def test_field_sent_twice_or_as_json_is_refused(alice: Browser, stage: Scene) -> None:
    """A47."""
    before = await rows(without=frozenset())
    for route in FORMS:
        data = {**stage.data(route), "_csrf_token": alice.token}
        for name, value in data.items():
            twice = {**data, name: [value, value]}
            answer = await alice.http.post(stage.url(route), data=twice)
            assert (str(route), name, answer.status_code) == (str(route), name, 403)
        answer = await alice.http.post(stage.url(route), json=data)
        assert (str(route), answer.status_code) == (str(route), 403)
        assert (str(route), await rows(without=frozenset())) == (str(route), before)


async def test_broken_bodies_are_refused_and_not_a_crash(alice: Browser) -> None:
    for kind, body in [
        ("multipart/form-data", b"--x"),
        ("multipart/form-data; boundary=x", b"--x\r\nnonsense"),
        ("application/json", b"{"),
        ("application/x-www-form-urlencoded", b"%%%=%ff&&&==\xff\xfe\0"),
        ("text/plain", b"\xff"),
        ("", b"a=b"),
    ]:
        answer = await alice.http.post("/langue", content=body, headers={"content-type": kind})
        assert (kind, answer.status_code, heading(answer)) == (kind, 403, "Rechargez la page")


# Headers.

ALWAYS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " object-src 'none'; frame-ancestors 'none'; report-uri /csp",
    "strict-transport-security": "max-age=63072000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "geolocation=(), camera=(), microphone=(), payment=()",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow",
}
NEVER_KEPT = {"cache-control": "no-store", "vary": "HX-Request, Cookie"}
PAGE = ALWAYS | NEVER_KEPT | {"content-type": "text/html; charset=utf-8"}


def headers_of(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "content-length"}


@pytest.fixture
def uncompressed(alice: Browser) -> Browser:
    alice.http.headers["accept-encoding"] = "identity"
    return alice


async def test_every_page_has_exactly_these_headers(
    uncompressed: Browser, stage: Scene, world: World
) -> None:
    """A50, A51."""
    tab = f"/profils/{world.alice}/rendez-vous"
    for url in ("/", tab, "/conditions", f"/profils/{world.charlie}/rendez-vous"):
        assert headers_of(await uncompressed.get(url)) == PAGE
        assert headers_of(await uncompressed.get(url, htmx=True)) == PAGE
    await uncompressed.get("/no/such/page")  # plants its cookie
    assert headers_of(await uncompressed.get("/no/such/page")) == PAGE
    wrong_method = headers_of(await uncompressed.http.delete(tab))
    assert wrong_method == PAGE | {"allow": "GET, OPTIONS"}
    gone = headers_of(await uncompressed.get("/courriel/annulation/nonsense"))
    assert gone == PAGE
    await db.fetch("ALTER TABLE clinic RENAME TO away")
    crash = await uncompressed.get("/")
    assert (crash.status_code, headers_of(crash)) == (500, PAGE)


async def test_answers_that_are_no_page_have_the_same_headers(
    uncompressed: Browser, stage: Scene, world: World
) -> None:
    tab = f"/profils/{world.alice}/rendez-vous"
    assert headers_of(await uncompressed.get(f"{tab}/{stage.coming}/calendrier.ics")) == (
        ALWAYS
        | NEVER_KEPT
        | {
            "content-type": "text/calendar; charset=utf-8",
            "content-disposition": 'attachment; filename="rendez-vous.ics"',
        }
    )
    plain = ALWAYS | NEVER_KEPT | {"content-type": "text/plain; charset=utf-8"}
    done = headers_of(await uncompressed.post(f"{tab}/{stage.coming}/confirmation"))
    assert done.pop("location").startswith(f"{tab}?ouvert={stage.coming}")
    assert done == plain
    assert headers_of(await uncompressed.get("/sante")) == plain
    assert headers_of(await uncompressed.get("/sante", headers={"host": "evil.example"})) == plain
    from_elsewhere = {"sec-fetch-site": "cross-site"}
    assert headers_of(await uncompressed.http.post("/langue", headers=from_elsewhere)) == plain


async def test_compressed_page_says_so_to_caches(alice: Browser) -> None:
    answer = await alice.get("/")
    assert answer.headers["content-encoding"] == "br"
    assert answer.headers["vary"] == "Accept-Encoding, HX-Request, Cookie"


async def test_static_file_is_kept_for_good_only_under_its_own_hash(stranger: Browser) -> None:
    page = await stranger.get("/connexion")
    sheet = next(e.attrs["href"] for e in elements(page, "link") if "app.css" in e.attrs["href"])
    stranger.http.headers["accept-encoding"] = "identity"
    current = await stranger.get(sheet)
    etag = current.headers["etag"]
    expected = ALWAYS | {
        "content-type": "text/css; charset=utf-8",
        "cache-control": "public, max-age=31536000, immutable",
        "etag": etag,
        "vary": "Accept-Encoding",
    }
    assert headers_of(current) == expected
    for other in ("/static/app.css", "/static/app.css?v=", "/static/app.css?v=0123456789ab"):
        assert headers_of(await stranger.get(other)) == expected | {"cache-control": "no-cache"}
    again = await stranger.get("/static/app.css", headers={"if-none-match": etag})
    assert (again.status_code, again.content) == (304, b"")


async def test_by_plain_http_no_transport_is_promised_and_cookies_have_no_host_prefix(
    world: World, clock: Clock
) -> None:
    plain = replace(SETTINGS, public_url="http://localhost:8000")
    browser = Browser(running(clock, plain))
    browser.http.base_url = "http://localhost:8000"
    browser.http.headers["accept-encoding"] = "identity"
    answer = await browser.get("/connexion")
    assert set(headers_of(answer)) == set(PAGE) - {"strict-transport-security"} | {"set-cookie"}
    assert answer.headers["set-cookie"].startswith("csrf=")
    assert (await browser.sign_in()).status_code == 303
    assert heading(await browser.get("/")) == "Tableau de bord"


async def test_no_other_origin_is_ever_let_in_to_read(alice: Browser, stage: Scene) -> None:
    """A50."""
    for route in ROUTES:
        answer = await alice.http.request(
            route.method, stage.url(route), headers={"origin": EVIL, "sec-fetch-site": "cross-site"}
        )
        assert [name for name in answer.headers if name.startswith("access-control")] == []
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["x-frame-options"] == "DENY"


# What pages may hold.


async def pages(browser: Browser, stage: Scene) -> dict[str, httpx.Response]:
    """Every page, as it is and with each error it can show."""
    found = {str(r): await browser.open(stage.url(r)) for r in ROUTES if r.method == "GET"}
    for route in FORMS:
        if route.path not in {"/deconnexion", "/langue"}:
            found[str(route)] = await browser.post(stage.url(route), {"creneau": str(stage.slot)})
    found["404"] = await browser.get("/no/such/page")
    found["405"] = await browser.http.delete("/")
    return {name: page for name, page in found.items() if "html" in page.headers["content-type"]}


def faults_of(element: Element) -> list[str]:
    faults = [f"<{element.tag}>"] if element.tag in {"style", "iframe", "object", "base"} else []
    if element.tag == "script" and "src" not in element.attrs:
        faults.append("inline script")
    for attribute, value in element.attrs.items():
        name = attribute.removeprefix("data-")  # htmx reads both
        if name == "style" or name.startswith(("on", "hx-on", "hx-vals", "hx-vars")):
            faults.append(name)
        if name in {"href", "src", "action", "formaction", "hx-get", "hx-post", "xlink:href"}:
            is_own = re.fullmatch(r"(/(?!/)|#|\?|tel:|https://visio\.example/).*", value)
            faults += [] if is_own else [f"{name}={value}"]
    return faults


async def test_pages_hold_no_inline_code_and_nothing_of_another_host(
    alice: Browser, stranger: Browser, stage: Scene
) -> None:
    """A35, A36."""
    everything = await pages(stranger, stage) | {
        f"signed in: {name}": page for name, page in (await pages(alice, stage)).items()
    }
    assert len({heading(page) for page in everything.values()}) > 12
    faults = {
        (name, fault)
        for name, page in everything.items()
        for element in elements(page)
        for fault in faults_of(element)
    }
    assert faults == set()


# Hosts, and what should not be there at all.


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "portail.example:8443",
        "portail.example.evil.example",
        "evil.example/portail.example",
        "user@portail.example",
        "portail.example, evil.example",
        "",
    ],
)
async def test_request_to_another_host_is_refused(stranger: Browser, host: str) -> None:
    for url in ("/connexion", "/sante", "/static/app.css", "/no/such"):
        answer = await stranger.get(url, headers={"host": host})
        assert (answer.status_code, answer.text) == (400, "Unknown host")


@pytest.mark.parametrize("hosts", [("portail.example", "evil.example"), ("portail.example",) * 2])
async def test_of_two_hosts_none_is_believed(stranger: Browser, hosts: tuple[str, str]) -> None:
    """A15, RFC 9112 §3.2: which one counts is not for us to guess, nor for a proxy."""
    for given in (hosts, hosts[::-1]):
        answer = await stranger.http.get("/connexion", headers=[("host", host) for host in given])
        assert (answer.status_code, answer.text) == (400, "Unknown host")


async def test_forwarded_host_is_never_believed(alice: Browser, stage: Scene) -> None:
    """A15."""
    claimed = {
        "x-forwarded-host": "evil.example",
        "forwarded": "host=evil.example;proto=http",
        "x-host": "evil.example",
        "x-original-url": "/sante",
        "x-rewrite-url": "/sante",
        "x-forwarded-proto": "http",
    }
    alice.http.headers.update(claimed)
    tab = f"/profils/{stage.patient}/rendez-vous"
    for answer in (
        await alice.get("/"),
        await alice.post(f"{tab}/{stage.coming}/confirmation"),
        await alice.get(f"{tab}/{stage.coming}/calendrier.ics"),
        await Browser(alice.app).get("/", headers=claimed),
    ):
        assert "evil.example" not in f"{answer.headers} {answer.text}"
    assert heading(await alice.get("/")) == "Tableau de bord"
    assert "portail.example" in (await alice.get("/", headers={"host": "PORTAIL.example"})).url.host


@pytest.mark.parametrize(
    "path",
    [
        "/schema",
        "/schema/openapi.json",
        "/schema/swagger",
        "/docs",
        "/debug",
        "/admin",
        "/metrics",
        "/.git/config",
        "/.env",
        "/static",
        "/static/",
        "/static/../pyproject.toml",
        "/static/..%2fpyproject.toml",
        "/static/%2e%2e/pyproject.toml",
        "/static/..%5cpyproject.toml",
        "/static//etc/passwd",
        "/static/%00",
        "/piccolo_conf.py",
        "/data/portal.sqlite",
        "/courriels",
        "/%252e%252e/",
    ],
)
async def test_nothing_but_the_portal_is_served(stranger: Browser, path: str) -> None:
    answer = await stranger.get(path)
    assert (answer.status_code, heading(answer)) == (404, "Page introuvable")


async def test_unused_methods_are_refused_and_no_version_is_told(alice: Browser) -> None:
    for method in ("TRACE", "CONNECT", "HEAD", "DELETE", "PROPFIND"):
        answer = await alice.http.request(method, "/")
        assert (method, answer.status_code) == (method, 405)
        assert {"server", "x-powered-by", "via"} & set(answer.headers) == set()


# Failures.


@pytest.mark.parametrize("htmx", [False, True])
async def test_failing_database_gives_a_page_with_a_reference_and_no_detail(
    alice: Browser, caplog: pytest.LogCaptureFixture, htmx: bool
) -> None:
    await alice.get("/")
    await db.fetch("ALTER TABLE session RENAME TO away")
    answer = await alice.get("/", htmx=htmx)
    assert (answer.status_code, heading(answer)) == (500, "Un problème est survenu")
    assert ("<html" in answer.text) is not htmx
    reference = re.search(r"numéro de référence : ([0-9a-f]{12})\b", main(answer))
    assert reference is not None
    assert [r.getMessage().startswith(reference[1]) for r in caplog.records] == [True]
    for detail in ("session", "SELECT", "rror", "Traceback", "domain", "litestar"):
        assert detail not in main(answer)
    await db.fetch("ALTER TABLE away RENAME TO session")
    assert heading(await alice.get("/")) == "Tableau de bord"


async def test_failure_is_logged_without_the_values_at_hand(
    alice: Browser, stage: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    url = stage.url(next(r for r in UNSAFE if "urgence/confirmation" in r.path))
    await db.fetch("ALTER TABLE appointment RENAME TO away")
    formatter = logging.Formatter("%(message)s")
    answer = await alice.post(url.replace("motif=Fi%C3%A8vre", "motif=MARQUEUR"), {"cle": "k"})
    logged = "\n".join(formatter.format(record) for record in caplog.records)
    assert answer.status_code == 500
    assert "booking.py" in logged
    assert "MARQUEUR" not in logged


@pytest.mark.parametrize("size", [100_001, 5_000_000])
async def test_too_large_a_form_is_refused_in_words(alice: Browser, size: int) -> None:
    for htmx in (False, True):
        answer = await alice.post("/langue", {"langue": "x" * size}, htmx=htmx)
        assert (answer.status_code, heading(answer)) == (413, "Envoi trop volumineux")


@pytest.mark.parametrize(
    "name", ["a\0b", "k" * 300, "'; DROP TABLE appointment; --", "{0.__class__}", "%s", "é" * 255]
)
async def test_odd_form_keys_book_like_any_other(
    alice: Browser, stage: Scene, world: World, name: str
) -> None:
    book = stage.url(next(r for r in UNSAFE if "reservation/confirmation" in r.path))
    before = await count("appointment")
    answers = [await alice.post(book, {"cle": name}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert await count("appointment") == before + 1


async def test_exception_inside_the_policy_denies(
    alice: Browser, stage: Scene, world: World
) -> None:
    """A55."""
    visit = await world.appointment(world.now + timedelta(hours=70), patient=world.bob)
    await world.set_clinic(consent_age=-3000)
    before = await rows()
    tab = f"/profils/{world.bob}/rendez-vous"
    page = await alice.get(tab)
    assert (page.status_code, heading(page)) == (500, "Un problème est survenu")
    for act in ("confirmation", "annulation"):
        assert (await alice.post(f"{tab}/{visit}/{act}")).status_code == 500
    assert await rows() == before


async def test_missing_age_of_consent_denies(alice: Browser, world: World) -> None:
    """A55."""
    tab = f"/profils/{world.bob}/rendez-vous"
    assert (await alice.get(tab)).status_code == 200
    await world.set_clinic(province="ON", consent_age=None)
    assert (await alice.get(tab)).status_code == 403


# One's own words that are not sent yet, and numbers that every page shows already.
UNTOLD = ("/brouillons", "/brouillons/suppression", "/compteurs")
TOLD = [r for r in ROUTES if r.path.startswith("/profils") and not r.path.endswith(UNTOLD)]


@pytest.mark.parametrize("route", [r for r in FORMS if r in TOLD], ids=str)
async def test_no_act_without_its_line_in_the_journal(
    alice: Browser, stage: Scene, route: Route
) -> None:
    """A54."""
    before = await rows()
    await db.fetch("ALTER TABLE audit_line RENAME TO away")
    assert await send(alice, stage, route) == 500
    await db.fetch("ALTER TABLE away RENAME TO audit_line")
    assert await rows() == before
    assert await send(alice, stage, route) == 303
    assert await rows() != before


async def test_no_page_without_its_line_in_the_journal(
    alice: Browser, stage: Scene, world: World
) -> None:
    """A54."""
    await db.fetch("ALTER TABLE audit_line RENAME TO away")
    for route in TOLD:
        if route.method == "GET":
            answer = await alice.get(stage.url(route))
            assert answer.status_code in {303, 500}
            assert "Camille Roy" not in answer.text
    assert (await alice.get("/")).status_code == 500


# Logs.


async def test_access_log_is_one_plain_line_without_query_token_or_name(
    alice: Browser, stage: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """A40."""
    caplog.set_level(logging.INFO, "portal.access")
    link = next(r for r in ROUTES if r.path == "/courriel/annulation/{token}")
    for url in [
        "/connexion?suivant=MARQUEUR",
        "/x%0d%0aGET%20/admin%20200",
        "/x%1b[31m",
        "/x%e2%80%ae",
        f"/profils/{stage.patient}/urgence/motif?motif=MARQUEUR",
        stage.url(link),
        stage.url(link) + "/more",
        "/" + "a" * 5000,
    ]:
        await alice.get(url, headers={"user-agent": "MARQUEUR", "referer": "MARQUEUR"})
    await alice.post("/connexion", {"courriel": "MARQUEUR@example.com", "mot_de_passe": "MARQUEUR"})
    lines = [record.getMessage() for record in caplog.records]
    assert [len(line.splitlines()) for line in lines] == [1] * 9
    assert [re.sub(r"\d+\.\d ms [0-9a-f]{32}", "…", line) for line in lines] == [
        "GET /connexion 303 …",
        "GET /x??GET /admin 200 404 …",
        "GET /x?[31m 404 …",
        "GET /x? 404 …",
        f"GET /profils/{stage.patient}/urgence/motif 303 …",
        "GET /courriel/annulation/… 200 …",
        "GET /courriel/annulation/… 404 …",
        f"GET /{'a' * 199} 404 …",
        "POST /connexion 422 …",
    ]


@pytest.mark.parametrize(
    "route", [route for route in EVERYWHERE if "{token" in route.path], ids=str
)
@pytest.mark.parametrize("shape", ["{}", "/{}", "{}/", "{}/more"])
async def test_no_link_s_token_is_logged(
    app: Gate, stage: Scene, route: Route, shape: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A13: of neither side; whoever reads the log must not open what a mail opens."""
    caplog.set_level(logging.INFO, "portal.access")
    path = shape.format(re.sub(r"\{token\w*\}", "MARQUEUR", route.path))
    await Browser(app).http.request(route.method, f"{HOST}{path}")
    (line,) = caplog.records
    assert line.getMessage().startswith(f"{route.method} /")
    assert "MARQUEUR" not in caplog.text


async def test_policy_report_is_logged_without_addresses_of_pages(
    stranger: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    report = {
        "csp-report": {
            "document-uri": f"{HOST}/courriel/annulation/MARQUEUR?motif=MARQUEUR",
            "referrer": f"{HOST}/MARQUEUR",
            "blocked-uri": "https://evil.example/MARQUEUR?x=MARQUEUR",
            "effective-directive": "script-src\nERROR forged",
        }
    }
    assert (await stranger.http.post("/csp", json=report)).status_code == 204
    for body in (b"", b"{", b"[1]", b'{"csp-report": 3}', b"\xff", b"x" * 9000):
        assert (await stranger.http.post("/csp", content=body)).status_code == 204
    assert (await stranger.http.post("/csp", content=b"x" * 10_001)).status_code == 413
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0] == r"'script-src\nERROR forged' 'https://evil.example'"
    assert "MARQUEUR" not in "".join(lines)
    assert {len(line.splitlines()) for line in lines} == {1}


async def test_no_patients_word_is_in_the_journal(
    alice: Browser, stage: Scene, world: World
) -> None:
    book = stage.url(next(r for r in UNSAFE if "urgence/confirmation" in r.path))
    await alice.post(book.replace("Fi%C3%A8vre", "MARQUEUR"), {"cle": "MARQUEUR"})
    assert "MARQUEUR" in {visit["reason"] for visit in await appointments(world)}
    held = str(await db.fetch("SELECT * FROM audit_line"))
    for word in ("MARQUEUR", "Alice", "Gagnon", "alice@", "Camille"):
        assert word not in held


async def test_no_page_is_kept_by_the_server(app: Gate) -> None:
    """A51: no route has a response cache, in which one person's page could become another's."""
    routes = app.app.routes
    handlers = [handler for route in routes for handler in getattr(route, "route_handlers", [])]
    assert len(handlers) > 100
    assert [str(handler) for handler in handlers if getattr(handler, "cache", False)] == []
