"""A forgotten password: a link by mail, and with it another password."""

from datetime import datetime
from uuid import UUID, uuid4

from domain import audit, db
from domain.accounts import account_links, addresses, password_change, sign_in, throttles
from domain.accounts.password_change import NewPassword
from domain.accounts.passwords import Passwords
from domain.accounts.sign_in import Browser, Entry
from domain.audit import Actor
from domain.errors import Invalid, LinkExpired, NotFound, TooMany
from domain.links import Links
from domain.mail import outbox
from domain.people import viewer as viewers
from domain.people.tables import Account
from domain.people.viewer import Viewer

MAILS = {"reset": "password_reset", "activate": "activate"}


async def ask(email: str, browser: Browser, *, links: Links, now: datetime) -> None:
    """Mail a link to the holder of this address, if there is one; nothing tells whether."""
    address = addresses.canonical(email)
    if not address:
        raise Invalid({"courriel": "malformed" if email.strip() else "missing"})
    await throttles.take(throttles.RESETS_PER_IP, browser.ip, now=now)
    found = await Account.objects().get(Account.email_canonical == address)
    is_owed = await _may_be_mailed(address, now)
    async with db.transaction():
        account = await _locked(found.id if found else uuid4())
        if is_owed and account is not None and account.disabled_at is None:
            await _mail(account, links, now)
        else:
            await account_links.as_much_for_nobody(now)
        await audit.record(
            Actor.stranger(browser.request_id),
            "password_reset_asked",
            subject=account.id if account else None,
            outcome="done" if is_owed else "refused.too_many",
            at=now,
        )


async def asker(token: str, *, request_id: str, now: datetime) -> Viewer:
    """Who holds this link. Looking uses nothing up."""
    account = await account_links.holder(token, "reset", now=now)
    try:
        return await viewers.load(account, via="mail_link", request_id=request_id)
    except NotFound as disabled:
        raise LinkExpired from disabled


async def reset(
    token: str, new: NewPassword, browser: Browser, *, passwords: Passwords, now: datetime
) -> tuple[Entry, bool]:
    """And whether this browser knew the account before. The link has done its work."""
    viewer = await asker(token, request_id=browser.request_id, now=now)
    if problems := await new.problems(viewer, passwords):
        raise Invalid(problems)
    account, password_hash = viewer.account, await passwords.hash(new.text)
    async with db.transaction():
        await db.lock_row(Account, account.id)
        await account_links.use(token, "reset", now=now)
        await password_change.put(viewer, password_hash, now=now)
        # Whoever reads the account's mails is no unknown browser, and has just been told by mail.
        entry = await sign_in.begin(account.id, browser.knowing(account.id, now, now), now=now)
    return entry, browser.knows(account.id, account.password_changed_at)


async def _may_be_mailed(address: str, now: datetime) -> bool:
    """Counted for an unknown address too; too often is not told, for it would tell something."""
    try:
        for limit in throttles.RESETS_PER_ADDRESS:
            await throttles.take(limit, address, now=now)
    except TooMany:
        return False
    return True


async def _locked(account: UUID) -> Account | None:
    """As it is once no other request mails or uses its links."""
    await db.lock_row(Account, account)
    return await Account.objects().get(Account.id == account)


async def _mail(account: Account, links: Links, now: datetime) -> None:
    """Who has not activated the account yet needs that link first.

    It opens nothing by itself: somebody else may have chosen that account's password, so activating
    asks for it, and the page offers to sign up again, which replaces whatever was chosen before.
    """
    kind: account_links.Kind = "reset" if account.activated_at else "activate"
    link = await account_links.issue(account.id, kind, links=links, now=now)
    await outbox.post(MAILS[kind], account.id, link=link, now=now)
