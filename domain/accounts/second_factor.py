"""The second step of signing in, which a person may ask for: on, off, and its recovery codes."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime

import pyotp

from domain import audit, db
from domain.accounts import authenticator, sessions, sign_in
from domain.accounts.passwords import Passwords
from domain.accounts.secret_box import SecretBox
from domain.accounts.sign_in import Browser
from domain.accounts.tables import RecoveryCode
from domain.errors import FactorChanged, Invalid, LinkExpired
from domain.mail import outbox
from domain.people.tables import Account
from domain.people.viewer import Viewer

OFFERED_FOR = 900
"""How many seconds one has to set up the application."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A secret to put into an application; it is asked for once a code has confirmed it."""

    secret: str
    uri: str
    token: str


@dataclass(frozen=True, slots=True)
class Proofs:
    """What one shows again to change how one signs in."""

    browser: Browser
    password: str
    code: str = ""


async def codes_left(viewer: Viewer) -> int:
    return int(
        await RecoveryCode.count().where(
            (RecoveryCode.account == viewer.account.id) & RecoveryCode.used_at.is_null()
        )
    )


async def offer(
    viewer: Viewer, proofs: Proofs, *, passwords: Passwords, box: SecretBox, now: datetime
) -> Offer:
    if viewer.account.second_factor_since:
        raise FactorChanged
    if problems := await _problem_of_password(viewer, proofs, passwords, now):
        raise Invalid(problems)
    secret = pyotp.random_base32()
    return _offer(viewer, secret, box.offer(viewer.account.id, secret, now=now))


def offered(viewer: Viewer, token: str, *, box: SecretBox, now: datetime) -> Offer:
    """The same offer again."""
    account = viewer.account.id
    secret = box.offered(account, token, seconds=OFFERED_FOR, now=now)
    if secret is None:
        raise LinkExpired
    return _offer(viewer, secret, token)


async def switch_on(
    viewer: Viewer, token: str, code: str, session: str, *, box: SecretBox, now: datetime
) -> tuple[list[str], str]:
    """Its recovery codes, to be shown once, and this browser's fresh token.

    Whoever else was signed in no longer is.
    """
    secret = offered(viewer, token, box=box, now=now).secret
    step = authenticator.step_of(authenticator.compared(code), secret, after=0, now=now)
    if step is None:
        raise Invalid({"code": "wrong"})
    account = viewer.account.id
    async with db.transaction():
        switched = await db.fetch(
            "UPDATE account SET totp_secret = {}, totp_since = {}, totp_last_step = {}"
            " WHERE id = {} AND totp_secret = '' RETURNING id",
            box.seal(account, secret, now=now),
            now,
            step,
            account,
        )
        if not switched:
            raise FactorChanged
        codes = await authenticator.renew_recovery_codes(account, box)
        await sessions.end_all(account, but=session)
        fresh = await sessions.renew(account, session)
        await _tell(viewer, "second_factor_on", now)
    return codes, fresh


async def switch_off(
    viewer: Viewer,
    proofs: Proofs,
    session: str,
    *,
    passwords: Passwords,
    box: SecretBox,
    now: datetime,
) -> str:
    """This browser's fresh token."""
    account = viewer.account.id
    await _check(viewer, proofs, passwords, now)
    async with _proved(viewer, proofs, box, now):
        await Account.update({Account.totp_secret: "", Account.totp_since: None}).where(
            Account.id == account
        )
        await RecoveryCode.delete().where(RecoveryCode.account == account)
        fresh = await sessions.renew(account, session)
        await _tell(viewer, "second_factor_off", now)
    return fresh


async def renew_codes(
    viewer: Viewer, proofs: Proofs, *, passwords: Passwords, box: SecretBox, now: datetime
) -> list[str]:
    account = viewer.account.id
    await _check(viewer, proofs, passwords, now)
    async with _proved(viewer, proofs, box, now):
        codes = await authenticator.renew_recovery_codes(account, box)
        await audit.record(viewer.actor, "recovery_codes_renewed", subject=account, at=now)
    return codes


async def _check(viewer: Viewer, proofs: Proofs, passwords: Passwords, now: datetime) -> None:
    """The password, and that there is a code to look at: all that is wrong is said at once."""
    if not viewer.account.second_factor_since:
        raise FactorChanged
    problems = await _problem_of_password(viewer, proofs, passwords, now)
    if not authenticator.is_typed(proofs.code):
        problems |= {"code": "missing"}
    if problems:
        raise Invalid(problems)


def _proved(
    viewer: Viewer, proofs: Proofs, box: SecretBox, now: datetime
) -> AbstractAsyncContextManager[None]:
    """Whoever is signed in has passed the second step in this browser."""
    return authenticator.proved(
        viewer.account.id, proofs.code, viewer.actor, is_known=True, box=box, now=now
    )


async def _problem_of_password(
    viewer: Viewer, proofs: Proofs, passwords: Passwords, now: datetime
) -> dict[str, str]:
    problem = await sign_in.problem_of_password(
        viewer, proofs.password, proofs.browser, passwords=passwords, now=now
    )
    return {"mot_de_passe": problem} if problem else {}


def _offer(viewer: Viewer, secret: str, token: str) -> Offer:
    made = pyotp.TOTP(
        secret,
        name=viewer.account.email,
        issuer=viewer.clinic.name,
        interval=authenticator.STEP,
    )
    return Offer(secret, made.provisioning_uri(), token)


async def _tell(viewer: Viewer, what: str, now: datetime) -> None:
    account = viewer.account.id
    await outbox.post(what, account, now=now)
    await audit.record(viewer.actor, what, subject=account, at=now)
