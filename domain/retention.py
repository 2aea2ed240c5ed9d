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

YEAR = timedelta(days=366)
"""Rather a day longer than was promised than a day less."""
AT_ONCE = 200
JOB = Actor.job("forget_closed_accounts")
FORGOTTEN = "forgotten:"
"""Begins an `email_canonical` that is no address any more."""
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
    """How many were forgotten."""
    try:
        clinic = await current_settings()
    except NotFound:
        return 0
    before = now - clinic.retention_years * YEAR
    rows = await db.fetch(
        "SELECT id FROM account WHERE disabled_at < {} AND email_canonical NOT LIKE {}"
        " ORDER BY disabled_at LIMIT {}",
        before,
        f"{FORGOTTEN}%",
        AT_ONCE,
    )
    return sum([await _forget(row["id"], before, now) for row in rows])


async def _forget(account: UUID, before: datetime, now: datetime) -> bool:
    async with db.transaction():
        if not await _claim(account, before):
            return False
        for table in OF_THE_ACCOUNT:
            await db.fetch(f"DELETE FROM {table} WHERE account = {{}}", account)
        grants = await db.fetch(
            "SELECT id, patient, withdrawn_at FROM proxy_grant WHERE account = {}", account
        )
        for grant in grants:
            if grant["withdrawn_at"] is None:
                await access.withdraw(JOB, grant["id"], by=JOB.request_id, quietly=True, now=now)
        for patient in sorted({grant["patient"] for grant in grants}, key=str):
            if not await _is_reached(patient):
                await _forget_words(patient, before, now)
        await audit.record(JOB, "account.forgotten", subject=account, at=now)
    return True


async def _claim(account: UUID, before: datetime) -> bool:
    """False if another did it, or the clinic opened the account again."""
    rows = await db.fetch(
        """
        UPDATE account SET email = '', email_canonical = {}, password_hash = '', totp_secret = '',
            totp_since = NULL
        WHERE id = {} AND disabled_at < {} AND email_canonical NOT LIKE {} RETURNING id
        """,
        f"{FORGOTTEN}{account}",
        account,
        before,
        f"{FORGOTTEN}%",
    )
    return bool(rows)


async def _is_reached(patient: UUID) -> bool:
    """By anybody else's account, even one that is closed but whose years are not over."""
    return bool(
        await db.fetch(
            """
            SELECT 1 FROM proxy_grant g JOIN account a ON a.id = g.account
            WHERE g.patient = {} AND g.withdrawn_at IS NULL AND a.email_canonical NOT LIKE {}
            LIMIT 1
            """,
            patient,
            f"{FORGOTTEN}%",
        )
    )


async def _forget_words(patient: UUID, before: datetime, now: datetime) -> None:
    """Threads with their files, which are swept once no row names them, and reasons of visits."""
    threads = await db.fetch(
        """
        SELECT id FROM thread WHERE patient = {} AND NOT EXISTS
            (SELECT 1 FROM message m WHERE m.thread = thread.id AND m.sent_at >= {})
        """,
        patient,
        before,
    )
    for thread in threads:
        await _forget_thread(thread["id"])
    await db.fetch("DELETE FROM invitation WHERE patient = {} AND invited_at < {}", patient, before)
    await db.fetch(
        "UPDATE appointment SET reason = '', clinic_note = '' WHERE patient = {} AND ends_at < {}",
        patient,
        before,
    )
    await db.fetch("DELETE FROM activity WHERE patient = {} AND happened_at < {}", patient, before)
    await audit.record(JOB, "communications.forgotten", patient=patient, at=now)


async def _forget_thread(thread: UUID) -> None:
    await db.fetch(
        "DELETE FROM attachment WHERE message IN (SELECT id FROM message WHERE thread = {})", thread
    )
    for which in ("IS NOT NULL", "IS NULL"):  # a reply before what it answers
        await db.fetch(f"DELETE FROM message WHERE thread = {{}} AND answers {which}", thread)
    await db.fetch("DELETE FROM thread WHERE id = {}", thread)
