"""The form in which staff write: its fields as they were typed, and the files beside them."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self, cast

from litestar import Request
from litestar.datastructures import FormMultiDict, UploadFile

from domain.desk import sending, text_templates
from domain.desk.communications import Party
from domain.desk.sending import Signers, Written
from domain.desk.text_templates import Stored
from domain.messages import attachments, pdf_check
from domain.messages.attachments import File
from domain.messages.rules import Kind
from domain.staff.member import Member
from domain.texts import read_id
from web.restored import restored_form
from web.security import FILES
from web.staff.picking import party_value, pick_party, read_party

AnyRequest = Request[Any, Any, Any]
KINDS: dict[str, Kind] = {"message": "message", "document": "document", "facture": "invoice"}
ROOM = 500_000
"""For the text of a form, in whatever letters, beside its files."""
LARGEST_FORM = attachments.MOST_FILES * pdf_check.MOST_BYTES + ROOM
INSERT = "inserer"
SIGNER = "de"


@dataclass(frozen=True, slots=True)
class Typed:
    kind: str = "message"
    signer: str = ""
    signer_name: str = ""
    """Typed, and nobody's alone."""
    subject: str = ""
    text: str = ""
    may_answer: bool = False
    site: str = ""
    template: str = ""
    is_sure: bool = False
    """« Oui, envoyer à ces 12 patients »."""
    had_files: bool = False
    """They were sent, and must be chosen again: a browser does not keep them."""
    """It was sent while the session had ended; `coupe`: without its end."""
    newest: str = ""
    """The thread's newest message as it was read before answering."""
    key: str = field(default_factory=lambda: secrets.token_urlsafe(18))

    @classmethod
    async def sent(cls, member: Member, form: FormMultiDict) -> Self:
        def of(name: str) -> str:
            return str(form.get(name, ""))

        signer, pick = await pick_party(member, form, SIGNER, is_final=True)
        return cls(
            kind=of("genre"),
            signer=of(SIGNER) if pick.problem else party_value(signer),
            signer_name=pick.typed,
            subject=of("sujet"),
            text=of("texte"),
            may_answer=of("reponse") == "oui",
            site=of("lieu"),
            template=of("modele"),
            is_sure=of("certain") == "oui",
            newest=of("dernier"),
            had_files=any(isinstance(each, UploadFile) for each in form.getall(FILES, [])),
        )

    def with_template(self, stored: Stored) -> Self:
        """Its text after what is there; its subject where there is none."""
        text = f"{self.text.rstrip()}\n\n{stored.body}" if self.text.strip() else stored.body
        return replace(self, text=text, subject=self.subject or stored.subject, template="")

    async def signers(self, member: Member) -> Signers:
        """To choose from, after what was typed."""
        return await sending.signers(member, read_party(self.signer).practitioner, self.signer_name)


async def written(form: FormMultiDict, typed: Typed) -> Written:
    return Written(
        kind=KINDS.get(typed.kind, cast("Kind", typed.kind)),
        signer=Party() if typed.signer_name else read_party(typed.signer),
        subject=typed.subject,
        body=typed.text,
        may_answer=typed.may_answer,
        site=read_id(typed.site),
        files=tuple(await _files(form)),
    )


async def began(request: AnyRequest, typed: Typed) -> Typed:
    """With what was sent while the session had ended, or the text that the address names."""
    kept = restored_form(request)
    if kept is not None:
        subject, text = kept.fields.get("sujet", ""), kept.fields.get("texte", "")
        return replace(typed, subject=subject, text=text, had_files=kept.had_files)
    template = read_id(request.query_params.get("modele", ""))
    return typed.with_template(await text_templates.find(template)) if template else typed


async def inserted(typed: Typed) -> Typed:
    """With the text that was chosen in the form; without one, as it is."""
    template = read_id(typed.template)
    return typed.with_template(await text_templates.find(template)) if template else typed


async def _files(form: FormMultiDict) -> Sequence[File]:
    chosen = [each for each in form.getall(FILES, []) if isinstance(each, UploadFile)]
    return [File(each.filename, await each.read()) for each in chosen]
