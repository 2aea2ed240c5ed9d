"""`portal send` and `portal thread`: the clinic's side of communications from a console."""

import argparse
import sys
from datetime import datetime
from pathlib import Path
from uuid import UUID

from domain.accounts import invitations
from domain.audit import Actor
from domain.errors import Invalid, NotFound, PdfRefused, Refusal
from domain.messages import addressing, clinic_side
from domain.messages.attachments import File
from domain.messages.clinic_side import ToSend
from domain.messages.files import Files
from domain.messages.pdf_check import MOST_BYTES

BY = "portal send"
ACTOR = Actor("console", None, BY)

# What is wrong with a field, by its code.
WORDS = {
    "to.missing": "say for whom: --to, --patient or --thread",
    "to.unknown": "--to: no open account of this e-mail address holds a profile",
    "profile.not_own": "--to: this account has no chart of its own; say which one: --profile",
    "profile.unknown": "--profile: this account holds no such profile",
    "profile.several": "--profile: several profiles have this name; use --patient with an id",
    "patient.unknown": "--patient: not the id or the whole name of one patient",
    "thread.unknown": "no thread has this id",
    "sender.missing": "--from: a practitioner or a team",
    "sender.unknown": "--from: no team and no practitioner has this name",
    "sender.several": "--from: several have this name; write a practitioner’s first name too",
    "subject.missing": "--subject: a new thread needs one",
    "subject.too_long": "--subject: at most 120 characters",
    "body.missing": "--text: a message needs one",
    "body.too_long": "--text: at most 10,000 characters",
    "files.missing": "--attach: a document or an invoice needs a PDF",
    "latest.unknown": "the clinic has written nothing in this thread",
}
WORDS_OF_FILES = {
    "name": "its name does not end in .pdf",
    "empty": "it is empty",
    "too_large": "it is larger than 10 MiB",
    "not_pdf": "it is not a PDF",
    "broken": "it is damaged",
    "encrypted": "it is encrypted",
    "too_complex": "it is too complex to be checked",
    "too_slow": "it takes too long to be checked",
    "too_many": "at most 5 files go with a message",
    "too_much_today": "the clinic has sent its 200 MB of the day",
}


class CannotSend(Exception):
    """With what is wrong, in words."""


async def send(options: argparse.Namespace, files: Files, *, now: datetime) -> UUID:
    """The thread's id."""
    attached = [_read(path) for path in options.attach]
    text = sys.stdin.read() if options.text == "-" else options.text
    try:
        thread, patient = await _recipient(options)
        signer = await addressing.signer(options.sender)
        draft = ToSend(
            patient=patient,
            kind=options.kind,
            subject=options.subject,
            body=text,
            written_by=BY,
            practitioner=signer.practitioner,
            team=signer.team,
            thread=thread,
            files=tuple(attached),
            may_answer=options.allow_reply,
        )
        return await clinic_side.send(ACTOR, draft, files=files, now=now)
    except Refusal as refusal:
        raise CannotSend(words_of(refusal)) from refusal


async def change_thread(options: argparse.Namespace, *, now: datetime) -> None:
    try:
        found = await addressing.thread(options.thread)
        if options.what == "close":
            await clinic_side.close(ACTOR, found.thread, by=BY, now=now)
        elif options.what == "reopen":
            await clinic_side.reopen(ACTOR, found.thread, now=now)
        elif found.latest is None:
            raise Invalid({"latest": "unknown"})
        elif options.what == "allow-reply":
            await clinic_side.allow_reply(ACTOR, found.latest, by=BY, now=now)
        else:
            await clinic_side.refuse_reply(ACTOR, found.latest, by=BY, now=now)
    except Refusal as refusal:
        raise CannotSend(words_of(refusal)) from refusal


def words_of(refusal: Refusal) -> str:
    if isinstance(refusal, PdfRefused):
        problem = refusal.problem
        said = WORDS_OF_FILES.get(problem, f"it does more than show pages ({problem})")
        return f"{refusal.file_name}: {said}" if refusal.file_name else said
    if isinstance(refusal, Invalid):
        codes = [f"{field}.{problem}" for field, problem in refusal.problems.items()]
        return "\n".join(WORDS.get(code, code) for code in codes)
    return refusal.code


async def _recipient(options: argparse.Namespace) -> tuple[UUID | None, UUID]:
    if options.thread:
        found = await addressing.thread(options.thread)
        return found.thread, found.patient
    if options.patient:
        return None, await _patient(options.patient)
    if options.to:
        return None, await addressing.patient_of(options.to, options.profile)
    raise Invalid({"to": "missing"})


async def _patient(text: str) -> UUID:
    try:
        return await invitations.patient_named(text)
    except NotFound as error:
        raise Invalid({"patient": "unknown"}) from error


def _read(path: Path) -> File:
    try:
        with path.open("rb") as file:
            return File(path.name, file.read(MOST_BYTES + 1))  # one more is refused as too large
    except OSError as error:
        raise CannotSend(f"{path}: {error.strerror}") from error
