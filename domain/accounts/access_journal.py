"""« Qui a consulté mon dossier »: what was seen and done of a patient, by whom and when."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from domain import db
from domain.accounts.access import names_of_holders
from domain.clinic.settings import ClinicSettings
from domain.errors import NotAllowed
from domain.people.viewer import Viewer

PAGE = 50
READ = 1000
"""Lines of the journal looked at for a page: many of one's own views make one line of it."""
SEVERAL = "read.several"

Who = Literal["you", "holder", "other", "link", "staff"]


@dataclass(frozen=True, slots=True)
class Line:
    id: int
    at: datetime
    who: Who
    name: str
    """Of an account that holds or held the profile, or of a member of the staff; else empty."""
    action: str
    is_refused: bool
    oldest: int
    """The id of the first view that it stands for: one's own of a day are one line."""
    views: int = 1


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
    # A proxy is not to learn from it that the child has an account of their own, or is asked in,
    # nor that the clinic keeps someone from acting for the child; nor of mails, but those to those
    # who act for the child.
    rows = await db.fetch(
        """
        SELECT l.id, l.at, l.actor_kind, l.actor, l.action, l.outcome FROM audit_line l
        WHERE l.patient = {} AND l.id < {} AND l.actor_kind IN ('account', 'mail_link', 'staff')
          AND ({} = 1 OR (
              l.action NOT LIKE 'chart.%' AND l.action NOT LIKE 'invitation.%'
              AND l.action NOT LIKE 'block.%' AND l.action NOT LIKE 'account.%'
              AND l.action NOT IN (
                  'registration.matched', 'read.staff.account', 'read.staff.matching')
              AND (l.action NOT LIKE 'mail.%' OR EXISTS (
                  SELECT 1 FROM outbound_email o JOIN proxy_grant pg ON pg.account = o.account
                  WHERE o.id = l.subject AND pg.patient = l.patient AND pg.relationship <> 'self'))
              AND (l.action <> 'read.staff.outbox' OR NOT EXISTS (
                  SELECT 1 FROM proxy_grant og
                  WHERE og.patient = l.patient AND og.relationship = 'self'
                  UNION ALL SELECT 1 FROM invitation i WHERE i.patient = l.patient))
              AND NOT EXISTS (
                  SELECT 1 FROM proxy_grant g
                  WHERE g.account = l.actor AND g.patient = l.patient
                    AND g.relationship = 'self')))
        ORDER BY l.id DESC LIMIT {}
        """,
        patient,
        before or MOST,
        int(profile.is_own),
        READ + 1,
    )
    names = await names_of_holders(patient) | await _names_of_staff(rows)
    lines = grouped([_line(row, viewer, names) for row in rows[:READ]], viewer.clinic)
    is_all = len(rows) <= READ and len(lines) <= PAGE
    return Journal(lines[:PAGE], None if is_all else lines[:PAGE][-1].oldest)


MOST = 2**62


def grouped(lines: Iterable[Line], clinic: ClinicSettings) -> list[Line]:
    """One's own views of a day that follow each other as one line, so that others' are not lost
    among them. The journal itself has them all."""
    found: list[Line] = []
    for line in lines:
        latest = found[-1] if found else line
        is_same_day = clinic.today(latest.at) == clinic.today(line.at)
        if found and is_same_day and _is_own_view(line) and _is_own_view(latest):
            action = latest.action if latest.action == line.action else SEVERAL
            found[-1] = replace(latest, action=action, oldest=line.oldest, views=latest.views + 1)
        else:
            found.append(line)
    return found


def _is_own_view(line: Line) -> bool:
    return line.who == "you" and line.action.startswith("read.") and not line.is_refused


def _line(row: Mapping[str, Any], viewer: Viewer, names: Mapping[UUID, str]) -> Line:
    actor = row["actor"]
    return Line(
        id=row["id"],
        at=row["at"],
        who=_who(row["actor_kind"], actor, viewer, names),
        name=names.get(actor, ""),
        action=row["action"],
        oldest=row["id"],
        is_refused=not row["outcome"].startswith("done"),
    )


async def _names_of_staff(rows: Sequence[Mapping[str, Any]]) -> dict[UUID, str]:
    """The law gives the patient the name of whoever looked, not only where they work."""
    actors = {row["actor"] for row in rows if row["actor_kind"] == "staff" and row["actor"]}
    if not actors:
        return {}
    found = await db.fetch(
        f"""
        SELECT id, first_name || ' ' || last_name AS name FROM staff_member
        WHERE id IN ({db.places(actors)})
        """,
        *actors,
    )
    return {row["id"]: row["name"] for row in found}


def _who(kind: str, actor: UUID | None, viewer: Viewer, names: Mapping[UUID, str]) -> Who:
    if kind == "staff":
        return "staff"
    if kind == "mail_link":
        return "link"
    if actor == viewer.account.id:
        return "you"
    return "holder" if actor in names else "other"
