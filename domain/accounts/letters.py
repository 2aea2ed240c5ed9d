"""What a mail about an account says when it leaves. These can never be switched off."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from domain.accounts import account_links, email_change
from domain.accounts.tables import AccountLink, EmailChange, Invitation
from domain.clinic.clinic import current_settings
from domain.clinic.settings import ClinicSettings
from domain.errors import NotFound
from domain.links import Links, Purpose
from domain.mail.delivery import Letter
from domain.people import viewer as viewers
from domain.people.coming_of_age import day_of_age
from domain.people.tables import Account, Patient
from domain.people.viewer import Profile, Viewer


@dataclass(frozen=True, slots=True)
class AccountLetter:
    kind: str
    address: str
    language: str
    clinic: ClinicSettings
    path: str = ""
    """Where its button leads."""
    code: str = ""
    patient_name: str = ""
    """The first name alone."""
    facts: dict[str, str] | None = None
    happened_at: datetime | None = None
    life: timedelta | None = None
    """For how long its link or code works, where that is always the same."""
    until: datetime | None = None
    """When its link ends, where it is not."""
    is_own: bool = False
    """Whether it is about the reader's own profile."""
    day: date | None = None
    """On which the profile's person reaches the age of consent."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What one kind of mail adds to the words of its template."""

    path: str = ""
    code: str = ""
    patient_name: str = ""
    address: str = ""
    language: str = ""
    life: timedelta | None = None
    until: datetime | None = None
    is_own: bool = False
    day: date | None = None


# Nothing but their words, and perhaps a page of the portal that anyone may open.
PLAIN = {
    "account_exists": "/mot-de-passe-oublie",
    "address_asked": "",
    "password_changed": "/mot-de-passe-oublie",
    "email_changed": "",
    "email_change_asked": "",
    "not_matched": "",
    "new_device": "/mot-de-passe-oublie",
    "failed_sign_ins": "/mot-de-passe-oublie",
    "second_factor_failed": "/mot-de-passe-oublie",
    "second_factor_on": "",
    "second_factor_off": "/mot-de-passe-oublie",
    "request_handled": "/",
}
WITH_LINK = {"activate": "/activation", "password_reset": "/reinitialisation"}
ABOUT_ACCESS = {"access_granted", "access_withdrawn", "coming_of_age"}
KINDS = {
    *PLAIN,
    *WITH_LINK,
    *ABOUT_ACCESS,
    "invitation",
    "matched",
    "email_change_code",
    "email_change_link",
}


async def compose(letter: Letter, *, links: Links, now: datetime) -> AccountLetter | None:
    """None when its cause is gone: link used or replaced, account disabled."""
    account = await Account.objects().get(Account.id == letter.account) if letter.account else None
    if letter.account and (account is None or account.disabled_at is not None):
        return None
    if account and account.activated_at is None and letter.kind != "activate":
        return None  # nobody proved yet that the address is theirs
    contents = await _contents(letter, links, now)
    if contents is None:
        return None
    return AccountLetter(
        kind=letter.kind,
        address=contents.address or letter.address or (account.email if account else ""),
        language=contents.language or (account.language if account else "fr"),
        clinic=await current_settings(),
        path=contents.path,
        code=contents.code,
        patient_name=contents.patient_name,
        facts=letter.facts,
        happened_at=letter.created_at,
        life=contents.life,
        until=contents.until,
        is_own=contents.is_own,
        day=contents.day,
    )


async def _contents(letter: Letter, links: Links, now: datetime) -> Contents | None:
    if letter.kind in PLAIN:
        return Contents(path=PLAIN[letter.kind])
    if letter.kind in WITH_LINK:
        return await _with_link(letter, links, now)
    if letter.kind == "invitation":
        return await _invitation(letter, links, now)
    if letter.kind == "matched":
        return await _matched(letter)
    if letter.kind in ABOUT_ACCESS:
        return await _about_access(letter, now)
    return await _email_change(letter, links, now)


async def _with_link(letter: Letter, links: Links, now: datetime) -> Contents | None:
    row = await AccountLink.objects().get(AccountLink.id == UUID(letter.facts["link"]))
    if row is None or not await account_links.is_alive(row.id, now=now):
        return None
    token = links.mailed_token(account_links.PURPOSES[row.purpose], row.id, row.token_hash)
    path, life = f"{WITH_LINK[letter.kind]}/{token}", account_links.LIVES[row.purpose]
    return Contents(path=path, life=life) if token else None


async def _invitation(letter: Letter, links: Links, now: datetime) -> Contents | None:
    row = await Invitation.objects().get(Invitation.id == UUID(letter.facts["invitation"]))
    if row is None or row.accepted_at or row.ended_at or now >= row.expires_at:
        return None
    token = links.mailed_token(Purpose.INVITE, row.id, row.token_hash)
    if token is None:
        return None
    return Contents(
        path=f"/invitation/{token}",
        address=row.email,
        language=row.language,
        until=row.expires_at,
    )


async def _email_change(letter: Letter, links: Links, now: datetime) -> Contents | None:
    """The code goes to the old address and the link to the new one; neither alone does anything."""
    row = await EmailChange.objects().get(EmailChange.id == UUID(letter.facts["change"]))
    if row is None or row.done_at or row.ended_at or now >= row.expires_at:
        return None
    if letter.kind == "email_change_code":
        code = links.mailed_code(Purpose.CHANGE_EMAIL, row.id, row.token_hash)
        return Contents(code=code, life=email_change.LIFE) if code else None
    token = links.mailed_token(Purpose.CHANGE_EMAIL, row.id, row.token_hash)
    path = f"/changement-courriel/{token}"
    return Contents(path=path, address=row.new_email, life=email_change.LIFE) if token else None


async def _matched(letter: Letter) -> Contents | None:
    """That the chart is theirs, as long as it is."""
    try:
        viewer = await viewers.load(letter.account or letter.id, via="job", request_id="")
    except NotFound:
        return None
    is_own = any(p.is_own and str(p.id) == letter.facts["patient"] for p in viewer.profiles)
    return Contents(path="/") if is_own else None


async def _about_access(letter: Letter, now: datetime) -> Contents | None:
    """Told to those who act for someone, and to that person; nothing that is no longer so."""
    patient = await Patient.objects().get(Patient.id == UUID(letter.facts["patient"]))
    if patient is None or letter.account is None:
        return None
    try:
        viewer = await viewers.load(letter.account, via="job", request_id=str(letter.id))
    except NotFound:
        return None
    profile = next((p for p in viewer.profiles if p.id == patient.id), None)
    is_own = profile is not None and profile.is_own
    day = None
    if letter.kind == "coming_of_age":
        day = _day_of_loss(profile, viewer, now, is_warning=letter.facts["days"] != "0")
        if day is None:
            return None
    elif not is_own:
        is_gone = profile is None or viewer.is_lost(profile, now)
        if is_gone == (letter.kind == "access_granted"):
            return None
    return Contents(path="/", patient_name=patient.first_name, is_own=is_own, day=day)


def _day_of_loss(
    profile: Profile | None, viewer: Viewer, now: datetime, *, is_warning: bool
) -> date | None:
    """None when it will not be, by a consent; or, for a warning, when it already was."""
    clinic = viewer.clinic
    if profile is None or clinic.consent_age is None:
        return None
    day = day_of_age(profile.birth_date, clinic.consent_age)
    first_moment = datetime.combine(day, time(), clinic.zone).astimezone(UTC)
    if is_warning and now >= first_moment:
        return None
    return day if viewer.is_lost(profile, max(now, first_moment)) else None
