"""Who may do what. The table is the document and the test."""

import re
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from domain.people.tables import ProxyGrant
from tests.web.browser import (
    Browser,
    Clock,
    elements,
    heading,
    links,
    main,
    without_keys,
    without_tokens,
)
from tests.web.clinic import widen
from tests.web.routes import PRIVATE, SAFE, Route, Scene, scene
from tests.web.state import ALWAYS_WRITTEN, journal, journal_after, last_line, rows
from tests.world import World
from web.gate import Gate

# 200 shown · 303 done, or on to the next step · 403 refused, by name · 404 as if it did not exist
# signed out: 303 to the sign-in page, and nothing done
MATRIX = """
                                                                signed  own    child    a       child   proxy
                                                                out     file   of hers  stranger of age  without « book »
GET  /                                                          303     200    200      200     200     200
GET  /conditions                                                303     200    200      200     200     200
GET  /profils/{patient}/rendez-vous                             303     200    200      404     403     403
GET  /profils/{patient}/rendez-vous/{appointment}/annulation    303     200    200      404     403     403
GET  /profils/{patient}/rendez-vous/{appointment}/calendrier.ics 303    200    200      404     403     403
GET  /profils/{patient}/rendez-vous/{appointment}/termine       303     200    200      404     403     403
POST /profils/{patient}/rendez-vous/{appointment}/confirmation  303     303    303      404     403     403
POST /profils/{patient}/rendez-vous/{appointment}/annulation    303     303    303      404     403     403
GET  /profils/{patient}/rendez-vous/{appointment}/absence       303     200    200      404     403     403
POST /profils/{patient}/rendez-vous/{appointment}/absence       303     303    303      404     403     403
GET  /profils/{patient}/reservation                             303     303    303      404     403     403
GET  /profils/{patient}/reservation/specialite                  303     200    200      404     403     403
GET  /profils/{patient}/reservation/intervenant                 303     200    200      404     403     403
GET  /profils/{patient}/reservation/lieu                        303     200    200      404     403     403
GET  /profils/{patient}/reservation/type                        303     200    200      404     403     403
GET  /profils/{patient}/reservation/moment                      303     200    200      404     403     403
GET  /profils/{patient}/reservation/creneau                     303     200    200      404     403     403
POST /profils/{patient}/reservation/retenue                     303     303    303      404     403     403
GET  /profils/{patient}/reservation/confirmation                303     200    200      404     403     403
POST /profils/{patient}/reservation/confirmation                303     303    303      404     403     403
GET  /profils/{patient}/urgence                                 303     303    303      404     403     403
GET  /profils/{patient}/urgence/lieu                            303     200    200      404     403     403
GET  /profils/{patient}/urgence/type                            303     200    200      404     403     403
GET  /profils/{patient}/urgence/motif                           303     200    200      404     403     403
GET  /profils/{patient}/urgence/creneau                         303     200    200      404     403     403
POST /profils/{patient}/urgence/retenue                         303     303    303      404     403     403
GET  /profils/{patient}/urgence/confirmation                    303     200    200      404     403     403
POST /profils/{patient}/urgence/confirmation                    303     303    303      404     403     403
GET  /profils/{patient}/communications                          303     200    200      404     403     200
GET  /profils/{patient}/documents                               303     200    200      404     403     200
GET  /profils/{patient}/factures                                303     200    200      404     403     200
GET  /profils/{patient}/envoyees                                303     200    200      404     403     200
GET  /profils/{patient}/compteurs                               303     200    200      404     403     200
GET  /profils/{patient}/communications/{thread}                 303     200    200      404     403     200
GET  /profils/{patient}/communications/{thread}/reponse         303     303    303      404     403     303
POST /profils/{patient}/communications/{thread}/reponse         303     303    303      404     403     303
GET  /profils/{patient}/communications/nouveau                  303     200    200      404     403     200
POST /profils/{patient}/communications/nouveau                  303     303    303      404     403     303
POST /profils/{patient}/brouillons                              303     303    303      404     403     303
POST /profils/{patient}/brouillons/suppression                  303     303    303      404     403     303
GET  /profils/{patient}/pieces-jointes/{attachment}             303     200    200      404     403     200
HEAD /profils/{patient}/pieces-jointes/{attachment}             303     200    200      404     403     200
GET  /profils/{patient}/pieces-jointes/{attachment}/telechargement 303     200    200      404     403     200
HEAD /profils/{patient}/pieces-jointes/{attachment}/telechargement 303     200    200      404     403     200
GET  /profils/{patient}/profil                                  303     200    200      404     403     200
GET  /profils/{patient}/profil/journal                          303     200    200      404     403     403
GET  /profils/{patient}/profil/erreur                           303     200    200      404     403     200
POST /profils/{patient}/profil/erreur                           303     303    303      404     403     303
POST /profils/{patient}/profil/courriels                        303     303    303      404     403     303
POST /profils/{patient}/profil/langue                           303     303    303      404     403     303
POST /profils/{patient}/profil/telephones                       303     303    403      404     403     403
GET  /profils/{patient}/profil/acces/{grant}                    303     200    403      404     403     403
POST /profils/{patient}/profil/acces/{grant}                    303     303    403      404     403     403
GET  /compte/appareils                                          303     200    200      200     200     200
POST /compte/appareils                                          303     303    303      303     303     303
GET  /compte/export                                             303     200    200      200     200     200
POST /compte/export                                             303     200    200      200     200     200
GET  /compte/demande                                            303     200    200      200     200     200
POST /compte/demande                                            303     303    303      303     303     303
GET  /compte/mot-de-passe                                       303     200    200      200     200     200
GET  /compte/mot-de-passe/termine                               303     200    200      200     200     200
GET  /compte/validation                                         303     200    200      200     200     200
POST /compte/validation                                         303     200    200      200     200     200
POST /compte/validation/confirmation                            303     303    303      303     303     303
GET  /compte/validation/codes                                   303     303    303      303     303     303
POST /compte/validation/codes                                   303     303    303      303     303     303
GET  /compte/validation/desactivation                           303     303    303      303     303     303
POST /compte/validation/desactivation                           303     303    303      303     303     303
GET  /compte/courriel                                           303     200    200      200     200     200
GET  /compte/courriel/envoi                                     303     200    200      303     200     303
POST /compte/courriel/renvoi                                    303     303    303      303     303     303
POST /compte/courriel                                           303     303    303      303     303     303
GET  /compte/courriel/termine                                   303     200    200      200     200     200
GET  /invitation/dossier                                        303     410    410      410     410     410
POST /invitation/dossier                                        303     409    409      403     409     403
POST /session                                                   303     204    204      204     204     204
POST /conditions                                                303     303    303      303     303     303
POST /compte/mot-de-passe                                       303     303    303      303     303     303
POST /deconnexion                                               303     303    303      303     303     303
"""  # noqa: E501
LINES = [line.split() for line in MATRIX.strip().splitlines()[2:]]
TABLE = {(line[0], line[1]): [int(status) for status in line[2:]] for line in LINES}
BY_NAME = {(route.method, route.path): route for route in PRIVATE}
WITH_PATIENT = [route for route in PRIVATE if "{patient}" in route.path]
ACTORS = ["signed out", "own file", "child", "stranger", "of age", "no grant"]
THEIR_WRITING = {"mail_preference", "thread", "message", "draft", "activity", "form_key"}
THEIR_OWN = {"account", "account_link", "email_change", "outbound_email"}
FOR_THE_PERSON = {
    path for (_, path), statuses in TABLE.items() if statuses[1:3] in ([200, 403], [303, 403])
}
"""Not even for who acts for them."""
UNREAD = "/profils/{patient}/compteurs"
"""Numbers alone, that each page shows too: a page that stands open asks for them by itself."""


async def enter(actor: str, world: World, app: Gate) -> tuple[Browser, UUID]:
    """Who asks, and for whom."""
    browser = Browser(app)
    if actor == "signed out":
        await browser.get("/connexion")
        return browser, world.alice
    if actor == "stranger":
        await browser.sign_in("charlie@example.com")
        return browser, world.alice
    if actor == "of age":
        hugo = await world.patient("Hugo", "Gagnon", date(2005, 5, 2))
        await world.grant(world.alice_account, hugo)
        await browser.sign_in()
        return browser, hugo
    if actor == "no grant":
        account = await world.account("nanny@example.com")
        reading = ("read_documents", "read_messages", "read_invoices", "send_messages")
        await world.grant(account, world.bob, *reading, relationship="caregiver")
        await browser.sign_in("nanny@example.com")
        return browser, world.bob
    await browser.sign_in()
    return browser, world.alice if actor == "own file" else world.bob


async def request(browser: Browser, stage: Scene, route: Route) -> int:
    if route.method in SAFE:
        return (await browser.http.request(route.method, stage.url(route))).status_code
    answer = await browser.post(stage.url(route), stage.data(route))
    if answer.cookies.get("__Host-session"):  # another session has other form tokens
        await browser.get("/conditions")
    return answer.status_code


def test_every_private_route_stands_in_the_table() -> None:
    assert set(TABLE) == set(BY_NAME)


@pytest.mark.parametrize("actor", ACTORS)
async def test_each_may_do_what_the_table_says_and_nothing_else(
    app: Gate, world: World, actor: str
) -> None:
    """A1, A2."""
    browser, patient = await enter(actor, world, app)
    stage = await scene(world, patient)
    await widen(world)
    before = await rows()
    column = ACTORS.index(actor)
    answered = {key: await request(browser, stage, BY_NAME[key]) for key in TABLE}
    assert answered == {key: statuses[column] for key, statuses in TABLE.items()}
    if actor not in {"own file", "child"}:
        after = await rows()
        # Anyone may ask the clinic for something, change their own account, and sign out.
        assert {name for name in before if before[name] != after[name]} <= {
            "session",
            "clinic_request",
            *THEIR_OWN,
            *(THEIR_WRITING if actor == "no grant" else ()),
        }


async def test_signed_out_is_sent_to_sign_in_from_every_private_route(
    stranger: Browser, world: World
) -> None:
    stage = await scene(world)
    for route in PRIVATE:
        answer = await stranger.http.request(route.method, stage.url(route))
        way = answer.headers["location"].partition("?")[0]
        assert (str(route), answer.status_code, way) == (str(route), 303, "/connexion")
        assert "Gagnon" not in answer.text


@pytest.mark.parametrize("htmx", [False, True])
async def test_asking_by_htmx_changes_no_answer(alice: Browser, world: World, htmx: bool) -> None:
    headers = {"hx-request": "true"} if htmx else {}
    stage = await scene(world, world.charlie)
    for route in WITH_PATIENT:
        answer = await alice.http.request(
            route.method, stage.url(route), headers=headers, data={"_csrf_token": alice.token}
        )
        assert (str(route), answer.status_code) == (str(route), 404)
        assert "Dubois" not in answer.text


@pytest.mark.parametrize("route", WITH_PATIENT, ids=str)
async def test_foreign_and_unknown_patients_and_visits_are_told_apart_by_nothing(
    alice: Browser, world: World, route: Route
) -> None:
    foreign, own = await scene(world, world.charlie), await own_visit(world)
    shown = set()
    for patient, visit in [
        (world.charlie, foreign.coming),
        (uuid4(), foreign.coming),
        (uuid4(), uuid4()),
        (world.charlie, own),
        *([(world.alice, foreign.coming), (world.alice, uuid4())] if is_about_visit(route) else []),
    ]:
        url = foreign.url(route, patient=patient).replace(str(foreign.coming), str(visit))
        data = foreign.data(route) | {"_csrf_token": alice.token}
        answer = await alice.http.request(
            route.method, url, data=data if route.method == "POST" else None
        )
        body = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", without_tokens(answer))
        headers = {n: v for n, v in answer.headers.items() if n != "content-length"}
        shown.add((answer.status_code, body, str(headers)))
    assert [status for status, _, _ in shown] == [404]


def is_about_visit(route: Route) -> bool:
    return "{appointment}" in route.path


async def own_visit(world: World) -> UUID:
    return await world.appointment(world.now + timedelta(days=9))


async def test_another_of_ones_own_profiles_visit_is_not_found_under_this_one(
    alice: Browser, world: World
) -> None:
    stage = await scene(world, world.bob)
    before = await rows()
    for route in WITH_PATIENT:
        if is_about_visit(route):
            url = stage.url(route, patient=world.alice)
            answer = await alice.http.request(
                route.method,
                url,
                data={"_csrf_token": alice.token} if route.method == "POST" else None,
            )
            assert (str(route), answer.status_code) == (str(route), 404)
    assert await rows() == before


async def test_ids_in_addresses_are_random_uuids(app: Gate, alice: Browser) -> None:
    named = {
        (route.path.startswith("/clinique"), *found)
        for route in app.app.routes
        for found in re.findall(r"\{(\w+):(\w+)\}", route.path)
    }
    assert {kind for is_staff, name, kind in named if is_staff and name != "token"} == {"uuid"}
    kinds = {(name, kind) for is_staff, name, kind in named if not is_staff}
    assert kinds == {
        ("patient", "uuid"),
        ("appointment", "uuid"),
        ("grant", "uuid"),
        ("attachment", "uuid"),
        ("thread", "uuid"),
        ("token", "str"),
        ("name", "path"),
    }
    for odd in ("1", "0", "..", "%00", "' OR 1=1 --", "a" * 36):
        assert (await alice.get(f"/profils/{odd}/rendez-vous")).status_code == 404


async def test_ids_sent_in_a_body_or_query_are_ignored(alice: Browser, world: World) -> None:
    """A3."""
    mine, theirs = (
        await scene(world),
        await world.appointment(world.now + timedelta(hours=61), patient=world.charlie),
    )
    smuggled = {"patient": str(world.charlie), "appointment": str(theirs), "account": "x"}
    url = f"/profils/{world.alice}/rendez-vous/{mine.coming}/annulation"
    assert (await alice.post(url, smuggled, params=smuggled)).status_code == 303
    cancelled = {line["subject"] for line in await journal("appointment.cancelled")}
    assert cancelled == {mine.coming}


# Access that ends.


async def test_withdrawn_access_is_gone_at_the_next_request(alice: Browser, world: World) -> None:
    stage = await scene(world, world.bob)
    assert (await alice.get(f"/profils/{world.bob}/rendez-vous")).status_code == 200
    await ProxyGrant.update({ProxyGrant.withdrawn_at: world.now}).where(
        ProxyGrant.patient == world.bob
    )
    assert {await request(alice, stage, route) for route in WITH_PATIENT} == {404}
    assert "Bob" not in without_keys(await alice.get("/"))


MIDNIGHT = datetime(2032, 3, 9, 5, 0, tzinfo=UTC)  # 00:00 in Toronto, on Bob's 14th birthday


async def eve_of_birthday(browser: Browser, world: World, clock: Clock) -> Scene:
    world.now = MIDNIGHT - timedelta(hours=1)
    clock.now = MIDNIGHT - timedelta(minutes=10)
    await browser.sign_in()
    return await scene(world, world.bob)


async def test_parent_loses_the_profile_at_midnight_of_the_birthday(
    stranger: Browser, world: World, clock: Clock
) -> None:
    """A5."""
    stage = await eve_of_birthday(stranger, world, clock)
    await widen(world)
    pages = [
        route
        for route in WITH_PATIENT
        if route.method == "GET" and route.path not in FOR_THE_PERSON
    ]
    clock.now = MIDNIGHT - timedelta(seconds=1)
    assert {await request(stranger, stage, route) for route in pages} == {200, 303}
    clock.now = MIDNIGHT
    before = await rows()
    assert {await request(stranger, stage, route) for route in WITH_PATIENT} == {403}
    assert await rows() == before


async def test_open_form_and_mailed_link_die_at_midnight_too(
    stranger: Browser, world: World, clock: Clock
) -> None:
    """A5."""
    stage = await eve_of_birthday(stranger, world, clock)
    card = await stranger.get(
        stage.url(BY_NAME["GET", "/profils/{patient}/reservation/confirmation"])
    )
    link = f"/courriel/confirmation/{stage.token('confirmation')}"
    clock.now = MIDNIGHT - timedelta(seconds=1)
    assert heading(await stranger.get(link)) == "Confirmer votre rendez-vous"
    clock.now = MIDNIGHT
    before = await rows(without=ALWAYS_WRITTEN | {"session"})
    assert (await stranger.press(card, "Confirmer le rendez-vous")).status_code == 403
    assert (await stranger.get(link)).status_code == 410
    assert (await stranger.post(link, {"reponse": "oui"})).status_code == 410
    assert await rows(without=ALWAYS_WRITTEN | {"session"}) == before


async def test_lost_profile_stays_as_a_grey_card_without_its_visits(
    stranger: Browser, world: World, clock: Clock
) -> None:
    await eve_of_birthday(stranger, world, clock)
    clock.now = MIDNIGHT - timedelta(seconds=1)
    before = await stranger.get("/")
    assert "Camille Roy" in main(before)
    assert "Bob Gagnon" in " ".join(links(before))
    clock.now = MIDNIGHT
    after = await stranger.get("/")
    assert "Camille Roy" not in main(after)
    assert "Bob Gagnon" not in " ".join(links(after))
    card = next(e for e in elements(after, "div") if "is-lost" in e.attrs.get("class", ""))
    assert card.text.startswith(
        "Ce patient a passé l’âge de consentement. Vous n’avez plus accès à son dossier."
    )
    assert "Bob Gagnon" in card.text


async def test_recorded_consent_keeps_the_profile_until_it_ends(
    stranger: Browser, world: World, clock: Clock
) -> None:
    ana = await world.patient("Ana", "Gagnon", date(2018, 3, 9))
    grant = await world.grant(world.alice_account, ana)
    await eve_of_birthday(stranger, world, clock)
    await world.consent(grant, until=MIDNIGHT + timedelta(minutes=5))
    tab = f"/profils/{ana}/rendez-vous"
    statuses = []
    for after in (0, 299, 300, 301):
        clock.now = MIDNIGHT + timedelta(seconds=after)
        statuses.append((await stranger.get(tab)).status_code)
    assert statuses == [200, 200, 403, 403]


async def test_refused_profile_says_why_and_whom_to_call(alice: Browser, world: World) -> None:
    await world.set_clinic(consent_age=8)
    page = await alice.get(f"/profils/{world.bob}/rendez-vous")
    assert (page.status_code, heading(page)) == (403, "Accès terminé")
    assert "Vous n’avez plus accès à son dossier." in main(page)
    assert "(514) 555-0142" in main(page)


async def test_proxy_without_the_booking_grant_sees_no_visit_anywhere(
    alice: Browser, app: Gate, world: World
) -> None:
    await scene(world, world.bob)
    slot = await world.slot(world.now + timedelta(hours=30))
    choices = (
        f"specialite={world.specialty}&intervenant={world.practitioner}&lieu={world.site}"
        f"&type={world.visit_type}&moment=des-que-possible&creneau={slot}"
    )
    book = f"/profils/{world.bob}/reservation/confirmation?{choices}"
    assert (await alice.post(book, {"cle": "k"})).status_code == 303
    assert "Rendez-vous pris" in (await alice.get(f"/profils/{world.bob}/rendez-vous")).text
    nanny, _ = await enter("no grant", world, app)
    page = await nanny.get("/")
    assert "Bob Gagnon" in page.text
    for word in ("Camille Roy", "Rendez-vous pris", "rendez-vous?ouvert"):
        assert word not in page.text
    assert f"/profils/{world.bob}/rendez-vous" not in links(page).values()
    assert f"/profils/{world.bob}/reservation" not in links(page).values()


# The journal.


@pytest.mark.parametrize(
    "route", [r for r in WITH_PATIENT if r.method == "GET" and r.path != UNREAD], ids=str
)
async def test_each_page_of_a_patient_writes_exactly_one_line(
    alice: Browser, world: World, clock: Clock, route: Route
) -> None:
    patient = world.alice if route.path in FOR_THE_PERSON else world.bob
    stage = await scene(world, patient)
    await widen(world)
    after = await last_line()
    clock.now += timedelta(seconds=7)
    answer = await alice.get(stage.url(route))
    lines = await journal_after(after)
    if answer.status_code == 303:
        assert lines == []
        return
    assert [
        (line["actor_kind"], line["actor"], line["patient"], line["at"], line["outcome"])
        for line in lines
    ] == [("account", world.alice_account, patient, clock.now, "done")]
    assert re.fullmatch(r"read\.[a-z_/]+", lines[0]["action"])
    assert re.fullmatch(r"[0-9a-f]{32}", lines[0]["request_id"])


async def test_dashboard_writes_one_line_for_each_patient_it_shows(
    alice: Browser, world: World
) -> None:
    after = await last_line()
    await alice.get("/")
    lines = await journal_after(after)
    assert [(line["action"], line["patient"]) for line in lines] == [
        ("read.dashboard/dashboard", world.alice),
        ("read.dashboard/dashboard", world.bob),
    ]
    assert len({line["request_id"] for line in lines}) == 1


@pytest.mark.parametrize(
    ("actor", "outcome"),
    [
        ("stranger", "refused.not_found"),
        ("of age", "refused.profile_lost"),
        ("no grant", "refused.not_allowed"),
    ],
)
async def test_refused_access_is_in_the_journal(
    app: Gate, world: World, actor: str, outcome: str
) -> None:
    browser, patient = await enter(actor, world, app)
    stage = await scene(world, patient)
    column = ACTORS.index(actor)
    for route in WITH_PATIENT:
        if TABLE[route.method, route.path][column] not in {403, 404}:
            continue
        after = await last_line()
        await request(browser, stage, route)
        assert [
            (line["action"], line["patient"], line["outcome"])
            for line in await journal_after(after)
        ] == [("access", patient, outcome)]


async def test_every_act_has_its_line(alice: Browser, world: World) -> None:
    stage = await scene(world)
    after = await last_line()
    acts = [
        ("POST", "/profils/{patient}/reservation/retenue"),
        ("POST", "/profils/{patient}/reservation/confirmation"),
        ("POST", "/profils/{patient}/rendez-vous/{appointment}/confirmation"),
        ("POST", "/profils/{patient}/rendez-vous/{appointment}/annulation"),
    ]
    for act in acts:
        await request(alice, stage, BY_NAME[act])
    assert [(line["action"], line["outcome"]) for line in await journal_after(after)] == [
        ("slot.held", "done"),
        ("appointment.booked", "done"),
        ("appointment.confirmed", "done"),
        ("appointment.cancelled", "done"),
    ]
