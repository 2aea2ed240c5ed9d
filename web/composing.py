"""The form in which one writes to the clinic: a reply's, or a new message's."""

import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from litestar import Request
from litestar.datastructures import FormMultiDict

from domain.messages.drafts import Draft
from domain.texts import read_id, unfinished
from web.portal import portal_of

RESTORED, CUT = "conserve", "coupe"
"""In the address: what was sent without a session is in the form again, perhaps without its end."""


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
            team=read_id(str(form.get("equipe", ""))),
            seen=str(form.get("vu", "")),
        )

    def beside(self, draft: Draft | None) -> Self:
        """With the draft that keeps it; one that another tab has saved is not this form's."""
        if draft is None:
            return self
        is_same = (draft.subject, draft.body) == (unfinished(self.subject), unfinished(self.text))
        seen = draft.saved_at.isoformat()
        if not is_same and seen != self.seen:
            return self
        return replace(self, saved_at=draft.saved_at, seen=seen)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the form stands: whose it is, and what it is about."""

    patient: UUID
    thread: UUID | None
    """None for a new message."""
    writer: str
    is_restored: bool
    was_cut: bool
    """What is restored has lost its end."""

    @classmethod
    def of(cls, request: Request[Any, Any, Any], patient: UUID, thread: UUID | None) -> Self:
        portal = portal_of(request)
        writer = portal.links.sign_writer(request.user.account.id, portal.now())
        restored = request.query_params.get(RESTORED, "")
        return cls(patient, thread, writer, bool(restored), restored == CUT)

    @property
    def drafts_url(self) -> str:
        return f"/profils/{self.patient}/brouillons"

    @property
    def page_url(self) -> str:
        return page_url(self.patient, self.thread)


def page_url(
    patient: UUID, thread: UUID | None, *, is_restored: bool = False, was_cut: bool = False
) -> str:
    base = f"/profils/{patient}/communications"
    restored = f"{RESTORED}={CUT if was_cut else 1}" if is_restored else ""
    if thread is None:
        return f"{base}/nouveau" + (f"?{restored}" if restored else "")
    return f"{base}/{thread}?repondre=1" + (f"&{restored}" if restored else "") + "#reponse"
