"""A mail of every kind there is, as the demonstration would owe it, whatever its cause was."""

import shutil
from uuid import UUID, uuid4

from argon2 import PasswordHasher

from domain.accounts import account_links, email_change
from domain.accounts import letters as account_letters
from domain.accounts.passwords import Passwords
from domain.appointments import attendance
from domain.appointments import letters as visit_letters
from domain.audit import Actor
from domain.demo import invitation
from domain.demo.data.people import HEATHER, LEA
from domain.demo.data.visits import TO_CANCEL
from domain.demo.staff import SECRETARY
from domain.links import Links
from domain.mail import outbox
from domain.messages import letters as communication_letters
from domain.staff import letters as staff_letters
from domain.staff import notices, staff_links
from e2e.mails import Mail
from e2e.portal import Portal

KINDS = (
    visit_letters.KINDS | account_letters.KINDS | communication_letters.KINDS | staff_letters.KINDS
)
BY = Actor.job("every mail")


def owe_every_mail(portal: Portal, language: str) -> None:
    """Those that were delivered already leave once more; all in this language."""
    shutil.rmtree(portal.settings.mailbox)
    now = str(portal.clock())
    portal.change("UPDATE account SET language = ?", language)
    portal.change("UPDATE staff_member SET language = ?", language)
    portal.change("UPDATE account SET activated_at = NULL WHERE email = ?", LEA.email)
    portal.change(
        "UPDATE outbound_email"
        " SET sent_at = NULL, dropped_at = NULL, leased_until = NULL, due_at = ?",
        now,
    )
    move_a_visit(portal)
    portal.run(_about_accounts(portal))
    portal.run(_about_access(portal))
    portal.run(_to_staff(portal))
    portal.change("UPDATE invitation SET language = ?", language)


def deliver_all(portal: Portal) -> list[Mail]:
    """Also past what was read or ended meanwhile, of which whole batches are dropped."""
    due = "SELECT count(*) FROM outbound_email WHERE sent_at IS NULL AND dropped_at IS NULL"
    left = -1
    while left != (left := portal.value(f"{due} AND tries = 0")):
        portal.run_jobs()
    return portal.mails()


def move_a_visit(portal: Portal) -> None:
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
    portal.run(attendance.move(BY, appointment, UUID(slot), now=portal.clock()))


async def _about_accounts(portal: Portal) -> None:
    links, now, heather = Links(portal.settings.keys), portal.clock(), portal.account(HEATHER.email)
    for kind in account_letters.PLAIN:
        await outbox.post(kind, heather, now=now, request=uuid4())
    lea = portal.account(LEA.email)
    for kind, purpose, account in (
        ("activate", "activate", lea),
        ("password_reset", "reset", heather),
    ):
        link = await account_links.issue(account, purpose, links=links, now=now)  # type: ignore[arg-type]
        await outbox.post(kind, account, link=link, now=now)
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    await invitation.invite(links=links, passwords=passwords, now=now)
    await email_change.ask_for(
        heather,
        "heather@nouvelle.example",
        BY,
        patient=_patient(portal, "Heather"),
        links=links,
        passwords=passwords,
        now=now,
    )
    change = portal.value("SELECT id FROM email_change WHERE done_at IS NULL AND ended_at IS NULL")
    await outbox.post("email_change_code", heather, change=change, now=now)


async def _about_access(portal: Portal) -> None:
    now, heather = portal.clock(), portal.account(HEATHER.email)
    own, child, lost = (_patient(portal, name) for name in ("Heather", "Nathan", "Hugo"))
    await outbox.post("matched", heather, patient=own, now=now)
    await outbox.post("access_granted", heather, patient=child, now=now)
    await outbox.post("access_withdrawn", heather, patient=lost, now=now)
    await outbox.post("coming_of_age", heather, patient=lost, days=0, now=now)


async def _to_staff(portal: Portal) -> None:
    links, now, email = Links(portal.settings.keys), portal.clock(), SECRETARY.email
    member = UUID(portal.value("SELECT id FROM staff_member WHERE email = ?", email))
    for kind, purpose in (("staff_invitation", "enrol"), ("staff_reset", "reset")):
        link = await staff_links.issue(member, purpose, links=links, now=now)  # type: ignore[arg-type]
        await outbox.post(kind, None, address=email, member=member, link=link, now=now)
    await notices.alert(member, email, "password", now=now)
    await outbox.post("staff_test", None, address=email, member=member, now=now)


def _patient(portal: Portal, first_name: str) -> UUID:
    known = "SELECT id FROM patient WHERE first_name = ? AND last_name IN ('Milner', 'Levesque')"
    return UUID(portal.value(known, first_name))
