"""The machines that open every link of a mail before its reader does change nothing."""

from uuid import UUID

from playwright.sync_api import APIRequestContext, Page

from domain.appointments import attendance
from domain.audit import Actor
from domain.demo.data.visits import TO_CANCEL
from e2e.browsing import DESKTOP
from e2e.conftest import Open
from e2e.portal import Portal

BUTTONS = "form button:not([type=button])"
TIMES = 5
# What was looked at is written down, and tries are counted; nothing else may differ.
NOTES = {"audit_line", "audit_seal", "attempt"}


def test_a_mail_scanner_changes_nothing(open_browser: Open, portal: Portal) -> None:
    move_a_visit(portal)
    portal.run_jobs()
    links = {url for mail in portal.mails() for url in mail.links().values()}
    links = {url for url in links if url.startswith(portal.url)}
    assert {url.split("/")[4] for url in links if "/courriel/" in url} == {
        "confirmation",
        "annulation",
    }
    before = content(portal)

    bot = open_browser(DESKTOP)
    bot.page.clock.install()
    for url in sorted(links):
        fetches(bot.page.request, url)
        runs_the_scripts_of(bot.page, url)
        submits_the_forms_of(bot.page, url)

    assert content(portal) == before


def fetches(request: APIRequestContext, url: str) -> None:
    for _ in range(TIMES):
        assert request.head(url).status < 500
        assert request.get(url).status < 500


def runs_the_scripts_of(page: Page, url: str) -> None:
    page.goto(url)
    page.clock.fast_forward("00:10")


def submits_the_forms_of(page: Page, url: str) -> None:
    """Each form as it stands, and each of its buttons."""
    for place in range(page.locator(BUTTONS).count()):
        page.goto(url)
        button = page.locator(BUTTONS).nth(place)
        with page.expect_event("load"):
            button.evaluate("(button) => button.form.requestSubmit(button)")


def move_a_visit(portal: Portal) -> None:
    """The one kind of mail that the demonstration has none of."""
    appointment = UUID(portal.coming(TO_CANCEL))
    slot = portal.value(
        """
        SELECT sl.id FROM slot sl JOIN appointment ap ON ap.id = ?
        WHERE sl.practitioner = ap.practitioner AND sl.starts_at > ap.starts_at AND sl.minutes = 15
          AND NOT EXISTS (SELECT 1 FROM appointment other WHERE other.slot = sl.id)
        ORDER BY sl.starts_at LIMIT 1
        """,
        str(appointment),
    )
    actor = Actor.job("moved by the clinic")
    portal.run(attendance.move(actor, appointment, UUID(slot), now=portal.clock()))


def content(portal: Portal) -> dict[str, list[tuple[object, ...]]]:
    return {name: rows for name, rows in portal.content().items() if name not in NOTES}
