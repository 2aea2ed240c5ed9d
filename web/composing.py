"""The form in which one writes to the clinic: a reply's, or a new message's."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from litestar import Request
from litestar.datastructures import FormMultiDict

from domain.messages.drafts import Draft
from web.portal import portal_of

RESTORED = "conserve"
"""In the address: what was sent without a session is in the form again."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A form as it was left; `key` is that of the form in which it is shown again."""

    text: str = ""
    has_agreed: bool = False
    saved_at: datetime | None = None
    key: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    subject: str = ""
    team: UUID | None = None
    seen: str = ""
    """The draft that the form knows of, by when it was saved."""

    @classmethod
    def of(cls, draft: Draft | None) -> Self:
        if draft is None:
            return cls()
        return cls(
            draft.body,
            draft.has_agreed,
            draft.saved_at,
            subject=draft.subject,
            team=draft.team,
            seen=draft.saved_at.isoformat(),
        )

    @classmethod
    def sent(cls, form: FormMultiDict) -> Self:
        return cls(
            text=str(form.get("texte", "")),
            has_agreed=form.get("lu") == "oui",
            subject=str(form.get("sujet", "")),
            team=as_id(str(form.get("equipe", ""))),
            seen=str(form.get("vu", "")),
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Where the form stands: whose it is, and what it is about."""

    patient: UUID
    thread: UUID | None
    """None for a new message."""
    writer: str
    is_restored: bool

    @classmethod
    def of(cls, request: Request[Any, Any, Any], patient: UUID, thread: UUID | None) -> Self:
        writer = portal_of(request).links.sign_writer(request.user.account.id)
        return cls(patient, thread, writer, RESTORED in request.query_params)

    @property
    def drafts_url(self) -> str:
        return f"/profils/{self.patient}/brouillons"

    @property
    def page_url(self) -> str:
        return page_url(self.patient, self.thread)


def page_url(patient: UUID, thread: UUID | None, *, is_restored: bool = False) -> str:
    base = f"/profils/{patient}/communications"
    if thread is None:
        return f"{base}/nouveau" + (f"?{RESTORED}=1" if is_restored else "")
    return f"{base}/{thread}?repondre=1" + (f"&{RESTORED}=1" if is_restored else "") + "#reponse"


def as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
