"""What a closed account contained is kept for the clinic's years, and then it is forgotten.

The account's row stays without what names its holder, for visits and messages say who made them;
the journal stays whole. The clinic's own record of a patient and of past visits stays too, but
for the words that the patient's side wrote with a visit.
"""

from datetime import datetime, timedelta
from uuid import UUID

from domain import audit, db
from domain.accounts import access
from domain.audit import Actor
from domain.clinic.clinic import current_settings
from domain.errors import NotFound
from domain.people.tables import Account

YEAR = timedelta(days=366)
"""Rather a day longer than was promised than a day less."""
AT_ONCE = 200
JOB = Actor.job("forget_closed_accounts")
FORGOTTEN = "forgotten:"
"""Begins an `email_canonical` that is no address any more."""
ENDED = "NOT EXISTS (SELECT 1 FROM message m WHERE m.thread = t.id AND m.sent_at >= {})"
WORDS_LEFT = f"""
    EXISTS (SELECT 1 FROM thread t WHERE t.patient = g.patient AND {ENDED})
    OR EXISTS (SELECT 1 FROM invitation i WHERE i.patient = g.patient AND i.invited_at < {{}})
    OR EXISTS (SELECT 1 FROM activity e WHERE e.patient = g.patient AND e.happened_at < {{}})
    OR EXISTS (SELECT 1 FROM appointment v WHERE v.patient = g.patient AND v.ends_at < {{}}
        AND (v.reason <> '' OR v.clinic_note <> ''))
"""
OF_THE_ACCOUNT = (
    "session",
    "account_link",
    "email_change",
    "recovery_code",
    "registration",
    "clinic_request",
    "terms_acceptance",
    "mail_preference",
    "draft",
    "receipt",
    "hold",
    "form_key",
    "outbound_email",
)


async def forget_closed_accounts(*, now: datetime) -> int:
    """How many were forgotten. One that cannot be keeps none of the others."""
    try:
        clinic = await current_settings()
    except NotFound:
        return 0
    before = now - clinic.retention_years * YEAR
    failures: list[Exception] = []
    done = 0
    for account in await _closed(before):
        try:
            done += await _forget(account, before, now)
        except Exception as error:
            failures.append(error)
    for patient in await _out_of_reach(before):
        try:
            await _forget_words(patient, before, now)
        except Exception as error:
            failures.append(error)
    if failures:
        raise failures[0]
    return done


async def _closed(before: datetime) -> list[UUID]:
    rows = await db.fetch(
        "SELECT id FROM account WHERE disabled_at < {} AND email_canonical NOT LIKE {}"
        " ORDER BY disabled_at LIMIT {}",
        before,
        f"{FORGOTTEN}%",
        AT_ONCE,
    )
    return [row["id"] for row in rows]


async def _forget(account: UUID, before: datetime, now: datetime) -> bool:
    async with db.transaction():
        if not (address := await _claim(account, before)):
            return False
        for table in OF_THE_ACCOUNT:
            await db.fetch(f"DELETE FROM {table} WHERE account = {{}}", account)
        await db.fetch("DELETE FROM invitation WHERE email_canonical = {}", address)
        for grant in await db.fetch(
            "SELECT id FROM proxy_grant WHERE account = {} AND withdrawn_at IS NULL", account
        ):
            await access.withdraw(JOB, grant["id"], by=JOB.request_id, quietly=True, now=now)
        await audit.record(JOB, "account.forgotten", subject=account, at=now)
    return True


async def _claim(account: UUID, before: datetime) -> str:
    """The address that it had; none if another did it, or the clinic opened the account again."""
    await db.lock_row(Account, account)
    rows = await db.fetch(
        """
        SELECT email_canonical FROM account
        WHERE id = {} AND disabled_at < {} AND email_canonical NOT LIKE {}
        """,
        account,
        before,
        f"{FORGOTTEN}%",
    )
    if not rows:
        return ""
    await db.fetch(
        """
        UPDATE account SET email = '', email_canonical = {}, password_hash = '', totp_secret = '',
            totp_since = NULL
        WHERE id = {}
        """,
        f"{FORGOTTEN}{account}",
        account,
    )
    return str(rows[0]["email_canonical"])


async def _out_of_reach(before: datetime) -> list[UUID]:
    """Patients whom no account reaches since one was forgotten, and of whom words are left.

    An account that is closed reaches them still, as long as its years are not over.
    """
    rows = await db.fetch(
        f"""
        SELECT DISTINCT g.patient FROM proxy_grant g JOIN account a ON a.id = g.account
        WHERE a.email_canonical LIKE {{}} AND NOT EXISTS (
            SELECT 1 FROM proxy_grant o JOIN account b ON b.id = o.account
            WHERE o.patient = g.patient AND o.withdrawn_at IS NULL
                AND b.email_canonical NOT LIKE {{}}
        ) AND ({WORDS_LEFT}) LIMIT {{}}
        """,
        f"{FORGOTTEN}%",
        f"{FORGOTTEN}%",
        before,
        before,
        before,
        before,
        AT_ONCE,
    )
    return [row["patient"] for row in rows]


async def _forget_words(patient: UUID, before: datetime, now: datetime) -> None:
    """Threads with their files, which are swept once no row names them, and reasons of visits."""
    async with db.transaction():
        for thread in await db.fetch(
            f"SELECT id FROM thread t WHERE patient = {{}} AND {ENDED}", patient, before
        ):
            await _forget_thread(thread["id"])
        await db.fetch(
            "DELETE FROM invitation WHERE patient = {} AND invited_at < {}", patient, before
        )
        await db.fetch(
            "UPDATE appointment SET reason = '', clinic_note = ''"
            " WHERE patient = {} AND ends_at < {}",
            patient,
            before,
        )
        await db.fetch(
            "DELETE FROM activity WHERE patient = {} AND happened_at < {}", patient, before
        )
        await audit.record(JOB, "communications.forgotten", patient=patient, at=now)


async def _forget_thread(thread: UUID) -> None:
    await db.fetch(
        "DELETE FROM attachment WHERE message IN (SELECT id FROM message WHERE thread = {})", thread
    )
    for which in ("IS NOT NULL", "IS NULL"):  # a reply before what it answers
        await db.fetch(f"DELETE FROM message WHERE thread = {{}} AND answers {which}", thread)
    await db.fetch("DELETE FROM thread WHERE id = {}", thread)
