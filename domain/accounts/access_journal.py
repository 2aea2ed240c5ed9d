"""« Qui a consulté mon dossier »: what was seen and done of a patient, by whom and when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from domain import db
from domain.accounts.access import names_of_holders
from domain.errors import NotAllowed
from domain.people.viewer import Viewer

PAGE = 50

Who = Literal["you", "holder", "other", "link", "staff"]


@dataclass(frozen=True, slots=True)
class Line:
    id: int
    at: datetime
    who: Who
    name: str
    """Of an account that holds or held the profile; empty where none is known."""
    action: str
    is_refused: bool


@dataclass(frozen=True, slots=True)
class Journal:
    lines: Sequence[Line]
    older: int | None
    """Ask again with this to see those before."""


async def journal(
    viewer: Viewer, patient: UUID, *, before: int | None = None, now: datetime
) -> Journal:
    profile = viewer.opening(patient, now)
    if not viewer.may_read_journal(profile, now):
        raise NotAllowed
    # A proxy is not to learn from it that the child has an account of their own, or is asked in.
    rows = await db.fetch(
        """
        SELECT l.id, l.at, l.actor_kind, l.actor, l.action, l.outcome FROM audit_line l
        WHERE l.patient = {} AND l.id < {} AND l.actor_kind IN ('account', 'mail_link', 'staff')
          AND ({} = 1 OR (
              l.action NOT LIKE 'chart.%' AND l.action NOT LIKE 'invitation.%'
              AND NOT EXISTS (
                  SELECT 1 FROM proxy_grant g
                  WHERE g.account = l.actor AND g.patient = l.patient
                    AND g.relationship = 'self')))
        ORDER BY l.id DESC LIMIT {}
        """,
        patient,
        before or MOST,
        int(profile.is_own),
        PAGE + 1,
    )
    names = await names_of_holders(patient)
    lines = [_line(row, viewer, names) for row in rows[:PAGE]]
    return Journal(lines, lines[-1].id if len(rows) > PAGE else None)


MOST = 2**62


def _line(row: Mapping[str, Any], viewer: Viewer, names: Mapping[UUID, str]) -> Line:
    actor = row["actor"]
    return Line(
        id=row["id"],
        at=row["at"],
        who=_who(row["actor_kind"], actor, viewer, names),
        name=names.get(actor, ""),
        action=row["action"],
        is_refused=row["outcome"] != "done",
    )


def _who(kind: str, actor: UUID | None, viewer: Viewer, names: Mapping[UUID, str]) -> Who:
    if kind == "staff":
        return "staff"
    if kind == "mail_link":
        return "link"
    if actor == viewer.account.id:
        return "you"
    return "holder" if actor in names else "other"
