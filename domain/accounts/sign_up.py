"""An account of one's own making: asked for, proven by its mailbox, then usable.

Whether an address has an account already is never told to who asks, only to its mailbox.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

from domain import audit, db
from domain.accounts import account_links, addresses, password_rules, sign_up_form, throttles
from domain.accounts.passwords import Passwords
from domain.accounts.sign_up_form import Applicant
from domain.accounts.tables import Registration
from domain.accounts.throttles import ACTIVATION_MAILS, ACTIVATION_PAUSE
from domain.audit import Actor
from domain.clinic.settings import ClinicSettings
from domain.errors import Invalid, LinkExpired, LinkUsed, TooMany
from domain.links import Links
from domain.mail import outbox
from domain.people.tables import Account
from domain.people.viewer import Viewer

UNPROVEN = "activated_at IS NULL AND disabled_at IS NULL AND created_at < {}"
KEPT_UNPROVEN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Form:
    """As typed, by field, and the language that it was typed in."""

    typed: sign_up_form.Typed
    language: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Who someone said they are, until the clinic finds their chart."""

    first_name: str
    last_name: str
    birth_date: date
    asked_at: datetime
    is_declined: bool = False
    """The clinic looked, and holds no chart that it could bind."""

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


async def sign_up(
    form: Form,
    who: Actor,
    ip: str,
    *,
    clinic: ClinicSettings,
    passwords: Passwords,
    links: Links,
    now: datetime,
) -> str:
    """The address that is written to. The work and the answer are the same for a free one and
    a taken one: one hash, one mail.

    An address that was never proven belongs to whoever asks last.
    """
    counted: list[UUID] = []

    async def judge(password: str, email: str, about: tuple[str, ...]) -> str:
        # Before it costs anything, and kept when it is refused: looking at it is the cost.
        counted.append(await throttles.take(throttles.SIGN_UP_PER_IP, ip, now=now))
        return await password_rules.problem(password, email=email, about=about, passwords=passwords)

    async with throttles.unless_busy(counted):
        applicant = await sign_up_form.read(form.typed, clinic, form.language, now, judge=judge)
        address = applicant.email_canonical
        counted.append(await throttles.take(ACTIVATION_MAILS, address, now=now))
        password_hash = await passwords.hash(applicant.password)
    is_owed = await _may_be_mailed(address, now)
    async with db.transaction():
        account = await _claim(applicant, password_hash, now)
        await _register(applicant, now)
        if is_owed:
            await _write_to(address, links, now)
        else:
            # An older mail would open what was just claimed.
            await account_links.end_all(account or uuid4(), now=now)
        await throttles.count(ACTIVATION_PAUSE, address, now=now)
        outcome = "done" if account else "refused.address_taken"
        await audit.record(who, "sign_up", subject=account, outcome=outcome, at=now)
    return applicant.email


async def may_ask_again(email: str, *, links: Links, now: datetime) -> str:
    """What the page after the right password carries: see `write_again`."""
    row = await _unactivated(addresses.canonical(email))
    return links.sign_unproven(row.email_canonical, row.password_hash, now) if row else ""


async def write_again(
    email: str, who: Actor, ip: str, *, proof: str = "", links: Links, now: datetime
) -> None:
    """The mail once more, whatever it has to say; every address is paused alike.

    `proof` is of the account's password: mails that strangers asked for are counted apart.
    """
    address = addresses.canonical(email)
    if not address:
        raise Invalid({"courriel": "odd" if email.strip() else "missing"})
    counted = await _counted_as(address, proof, links, now)
    by_address = [(limit, counted) for limit in (ACTIVATION_PAUSE, ACTIVATION_MAILS)]
    await throttles.take_each((throttles.SIGN_UP_PER_IP, ip), *by_address, now=now)
    is_owed = await _may_be_mailed(counted, now)
    async with db.transaction():
        account = await _write_to(address, links, now) if is_owed else None
        outcome = "done" if is_owed else "refused.too_many"
        await audit.record(who, "activation_mailed", subject=account, outcome=outcome, at=now)


async def address_behind(token: str, *, now: datetime) -> str:
    """Which address a live activation link proves."""
    return str((await _unproven(token, now)).email)


async def activate(
    token: str, password: str, *, request_id: str, passwords: Passwords, now: datetime
) -> str:
    """The address that may sign in from now on.

    Both the mailbox and the password: else a stranger's password would open the owner's account.
    Anyone may sign up with an address, and scanners of mail press buttons. Whoever has the mailbox
    but not the password signs up again: that takes the stranger's place.
    """
    row = await _unproven(token, now)
    account = row.id
    await _check_password(row, password, Actor.stranger(request_id), passwords, now)
    async with db.transaction():
        # Before the link, as signing up again does: one of the two waits for the other.
        await db.lock_row(Account, account)
        await account_links.use(token, "activate", now=now)
        activated = await db.fetch(
            "UPDATE account SET activated_at = {} WHERE id = {} AND password_hash = {}"
            " AND activated_at IS NULL AND disabled_at IS NULL RETURNING id",
            now,
            account,
            row.password_hash,
        )
        if not activated:
            raise LinkUsed
        await audit.record(
            Actor("account", account, request_id), "account_activated", subject=account, at=now
        )
    return str(row.email)


async def _check_password(
    row: Account, password: str, stranger: Actor, passwords: Passwords, now: datetime
) -> None:
    if not password:
        raise Invalid({"mot_de_passe": "missing"})
    counted = await throttles.take(throttles.ACTIVATIONS, str(row.id), now=now)
    async with throttles.unless_busy([counted]):
        matches = await passwords.verify(row.password_hash, password)
    if not matches:
        await audit.record(stranger, "account_activated", subject=row.id, outcome="refused", at=now)
        raise Invalid({"mot_de_passe": "wrong"})
    await throttles.give_back(counted)


async def waiting(viewer: Viewer) -> Waiting | None:
    """What an account without a chart told the clinic of its owner."""
    row = await Registration.objects().get(Registration.account == viewer.account.id)
    if row is None:
        return None
    is_declined = row.matched_at is not None
    return Waiting(row.first_name, row.last_name, row.birth_date, row.asked_at, is_declined)


async def forget_unproven(address: str) -> None:
    """In the transaction of who takes the address, having proven it."""
    account = await Account.objects().get(Account.email_canonical == address)
    if account is None or account.activated_at or account.disabled_at:
        return
    await db.fetch("DELETE FROM outbound_email WHERE account = {}", account.id)
    # Activated meanwhile, it stays, and the unique index has the last word.
    await db.fetch(
        "DELETE FROM account WHERE id = {} AND activated_at IS NULL AND disabled_at IS NULL",
        account.id,
    )


async def purge(*, now: datetime) -> None:
    """Accounts whose address nobody proved, with the mails that they were owed.

    But for those that the clinic disabled: their address is not to be taken again.
    """
    before = now - KEPT_UNPROVEN
    async with db.transaction():
        await db.fetch(
            "DELETE FROM outbound_email WHERE account IN"
            f" (SELECT id FROM account WHERE {UNPROVEN})",
            before,
        )
        await db.fetch(f"DELETE FROM account WHERE {UNPROVEN}", before)


async def _may_be_mailed(address: str, now: datetime) -> bool:
    """Counted for every address alike; who asks is not told."""
    try:
        await throttles.take(throttles.ACTIVATION_MAILS_A_DAY, address, now=now)
    except TooMany:
        return False
    return True


async def _counted_as(address: str, proof: str, links: Links, now: datetime) -> str:
    if not proof:
        return address
    row = await _unactivated(address)
    is_proven = row is not None and links.is_of_unproven(proof, address, row.password_hash, now)
    return f"{address}|knows the password" if is_proven else address


async def _unactivated(address: str) -> Account | None:
    return await Account.objects().get(
        (Account.email_canonical == address) & Account.activated_at.is_null()
    )


async def _unproven(token: str, now: datetime) -> Account:
    """The account that a live activation link is for."""
    account = await account_links.holder(token, "activate", now=now)
    row = await Account.objects().get(Account.id == account)
    if row is None or row.disabled_at is not None:
        raise LinkExpired
    if row.activated_at is not None:
        raise LinkUsed
    return row


async def _write_to(address: str, links: Links, now: datetime) -> UUID | None:
    """What its mailbox is told: activate it, or that it has an account."""
    account = await Account.objects().get(Account.email_canonical == address)
    if account is None:
        await account_links.as_much_for_nobody(now)
        return None
    # Nobody is sent the link to what is active already: it is made for the work to be the same.
    link = await account_links.issue(account.id, "activate", links=links, now=now)
    if account.activated_at is None:
        await outbox.post("activate", account.id, now=now, link=link)
    else:
        key = f"account-exists:{account.id}:{now:%Y%m%d%H}"
        await outbox.post("account_exists", account.id, now=now, once_key=key)
    return account.id


async def _claim(applicant: Applicant, password_hash: str, now: datetime) -> UUID | None:
    """The account of a free or unproven address; the unique index decides between two."""
    rows = await db.fetch(
        """
        INSERT INTO account (id, email, email_canonical, password_hash, language, created_at,
            password_changed_at, totp_secret, totp_last_step)
        VALUES ({}, {}, {}, {}, {}, {}, {}, '', 0)
        ON CONFLICT (email_canonical) DO UPDATE SET email = excluded.email,
            password_hash = excluded.password_hash, language = excluded.language,
            created_at = excluded.created_at, password_changed_at = excluded.password_changed_at
        WHERE account.activated_at IS NULL AND account.disabled_at IS NULL
        RETURNING id
        """,
        uuid4(),
        applicant.email,
        applicant.email_canonical,
        password_hash,
        applicant.language,
        now,
        now,
    )
    return rows[0]["id"] if rows else None


async def _register(applicant: Applicant, now: datetime) -> None:
    """Who they say they are, in place of who was said before; nothing, if it is not theirs."""
    await db.fetch(
        """
        INSERT INTO registration (id, account, first_name, last_name, birth_date, health_number,
            phone, phone_kind, other_phone, other_phone_kind, asked_at, matched_by)
        SELECT {}, id, {}, {}, {}, {}, {}, {}, {}, {}, {}, '' FROM account
        WHERE email_canonical = {} AND activated_at IS NULL AND disabled_at IS NULL
        ON CONFLICT (account) DO UPDATE SET first_name = excluded.first_name,
            last_name = excluded.last_name, birth_date = excluded.birth_date,
            health_number = excluded.health_number, phone = excluded.phone,
            phone_kind = excluded.phone_kind, other_phone = excluded.other_phone,
            other_phone_kind = excluded.other_phone_kind, asked_at = excluded.asked_at
        """,
        uuid4(),
        applicant.first_name,
        applicant.last_name,
        applicant.birth_date,
        applicant.health_number,
        applicant.phone,
        applicant.phone_kind,
        applicant.other_phone,
        applicant.other_phone_kind,
        now,
        applicant.email_canonical,
    )
