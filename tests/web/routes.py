"""Every route of the portal, and for each a request that works: tests walk through them."""

from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pyotp

from domain.accounts import account_links, sign_in
from domain.accounts.secret_box import SecretBox
from domain.accounts.sign_in import Entry
from domain.accounts.tables import EmailChange, Invitation
from domain.links import Links, Purpose, UnsubscribeLink, VisitLink, hash_of
from domain.messages.tables import Receipt
from domain.people.tables import Account
from tests.web.browser import SETTINGS, running
from tests.world import NOW, PASSWORD, PASSWORDS, World

SAFE = {"GET", "HEAD"}
STAFF_SIDE = "/clinique"
LINKS = Links(SETTINGS.keys)
BOX = SecretBox(SETTINGS.keys)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
CODE = "123456"
NEW_PASSWORD = {"mot_de_passe": "Gélinotte*58brume", "confirmation": "Gélinotte*58brume"}
NEWCOMER = {
    "courriel": "zoe@example.com",
    "courriel_confirmation": "zoe@example.com",
    "mot_de_passe": PASSWORD,
    "confirmation": PASSWORD,
    "prenom": "Zoé",
    "nom": "Tremblay",
    "naissance_annee": "1989",
    "naissance_mois": "avril",
    "naissance_jour": "27",
    "numero_sante": "trez89542714",
    "telephone": "514 555-0199",
    "telephone_type": "mobile",
    "autre_telephone": "",
    "autre_telephone_type": "work",
}
"""Someone whom the portal does not know yet."""


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    opt: frozenset[str]
    handler: str
    right: str = ""
    """Which one the clinic's side asks for."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_private(self) -> bool:
        return not self.opt & {"public", "bare"}

    @property
    def is_staff(self) -> bool:
        return "staff" in self.opt


def _routes() -> list[Route]:
    app = running(lambda: NOW).app
    return sorted(
        (
            Route(
                method,
                route.path_format,
                frozenset(handler.opt),
                handler.handler_name,
                str(handler.opt.get("staff", "")),
            )
            for route in app.routes
            for handler in route.route_handlers  # type: ignore[union-attr]
            for method in handler.http_methods
            if method != "OPTIONS"
        ),
        key=str,
    )


EVERYWHERE = _routes()
ROUTES = [route for route in EVERYWHERE if not route.path.startswith(STAFF_SIDE)]
STAFF = [route for route in EVERYWHERE if route.path.startswith(STAFF_SIDE)]
"""Of the clinic's side: `tests/web/staff` walks through these."""
UNSAFE = [route for route in ROUTES if route.method not in SAFE]
FORMS = [route for route in UNSAFE if "bare" not in route.opt]
PRIVATE = [route for route in ROUTES if route.is_private]


@dataclass(frozen=True)
class Scene:
    """Alice's visits and a free slot of each kind: what the requests below act on."""

    world: World
    patient: UUID
    coming: UUID
    """May be confirmed and cancelled."""
    later: UUID
    soon: UUID
    """Too near to be cancelled."""
    slot: UUID
    urgent_slot: UUID
    grant: UUID
    """Someone else's access to the patient."""
    first_step: str
    """Their right password, before the code."""
    reset: str
    """The token of a mailed link that lets Alice choose another password."""
    activation: str
    """The token of a link that activates an account."""
    change: str
    """The token of a link that gives Alice another address, and CODE with it."""
    invitation: str
    """The token of a link that makes a patient an account, and CODE with it."""
    attachment: str
    """The same, for Alice's address."""
    pdf: UUID
    """Attached to a message of the clinic."""
    thread: UUID
    """Read by everyone, and waiting for an answer."""
    asked: UUID
    """Its last message."""

    def choices(self, folder: str) -> dict[str, str]:
        world = self.world
        place = {"lieu": str(world.site)}
        if folder == "urgence":
            return place | {"type": str(world.urgent_type), "motif": "Fièvre"}
        return place | {
            "specialite": str(world.specialty),
            "intervenant": str(world.practitioner),
            "type": str(world.visit_type),
            "moment": "des-que-possible",
        }

    def free(self, folder: str) -> UUID:
        return self.urgent_slot if folder == "urgence" else self.slot

    def token(self, path: str) -> str:
        if path.startswith("/reinitialisation"):
            return self.reset
        if path.startswith("/changement-courriel"):
            return self.change
        if path.startswith("/invitation"):
            return self.invitation
        if path.startswith("/desabonnement"):
            unsubscribe = UnsubscribeLink(self.world.alice_account, self.patient, "appointment")
            return Links(SETTINGS.keys).sign_unsubscribe(unsubscribe, self.world.now)
        purpose = Purpose.CONFIRM if "confirmation" in path else Purpose.CANCEL
        link = VisitLink(self.coming, 1, self.world.alice_account)
        return Links(SETTINGS.keys).sign_visit(purpose, link)

    def url(self, route: Route, *, patient: UUID | None = None) -> str:
        path = route.path.replace("{patient}", str(patient or self.patient))
        visit = self.soon if path.endswith("/absence") else self.coming
        path = path.replace("{appointment}", str(visit)).replace("{name}", "app.css")
        path = path.replace("{grant}", str(self.grant)).replace("{attachment}", str(self.pdf))
        path = path.replace("{thread}", str(self.thread))
        if "{token}" in path:
            return path.replace("{token}", self.token(path))
        folder = route.path.split("/")[3] if path.startswith("/profils") else ""
        if folder not in {"reservation", "urgence"}:
            return path
        query = self.choices(folder)
        if route.path.endswith("/confirmation"):
            query["creneau"] = str(self.free(folder))
        return f"{path}?{urlencode(query)}"

    def before(self, route: Route) -> str:
        """What is opened first: the link of the mail that leads to this page."""
        return {
            "/reinitialisation": f"/reinitialisation/{self.reset}",
            "/changement-courriel": f"/changement-courriel/{self.change}",
            "/invitation": f"/invitation/{self.invitation}",
        }.get(route.path, "")

    async def ask_for_codes(self, account: UUID) -> None:
        """This account signs in in two steps."""
        sealed = BOX.seal(account, SECRET, now=self.world.now)
        await Account.update(
            {Account.totp_secret: sealed, Account.totp_since: self.world.now}
        ).where(Account.id == account)

    def data(self, route: Route) -> dict[str, str]:
        folder = route.path.split("/")[3] if route.path.startswith("/profils") else ""
        if folder in {"reservation", "urgence"}:
            slot = str(self.free(folder))
            return {"creneau": slot} if "retenue" in route.path else {"cle": f"key of {slot}"}
        return {
            "/connexion": {"courriel": "charlie@example.com", "mot_de_passe": PASSWORD},
            "/inscription": NEWCOMER,
            "/inscription/envoi": {"courriel": NEWCOMER["courriel"]},
            "/activation": {"lien": self.activation, "mot_de_passe": PASSWORD},
            "/mot-de-passe-oublie": {"courriel": "charlie@example.com"},
            "/reinitialisation": {"lien": self.reset, **NEW_PASSWORD},
            "/compte/mot-de-passe": {"ancien": PASSWORD, **NEW_PASSWORD},
            "/connexion/code": {
                "etape": self.first_step,
                "code": pyotp.TOTP(SECRET).at(self.world.now),
                "suivant": "/",
            },
            "/compte/validation": {"mot_de_passe": PASSWORD},
            "/compte/validation/confirmation": {"cle": "", "code": "123456"},
            "/compte/validation/codes": {"mot_de_passe": PASSWORD, "code": "123456"},
            "/compte/validation/desactivation": {"mot_de_passe": PASSWORD, "code": "123456"},
            "/compte/courriel": {
                "mot_de_passe": PASSWORD,
                "courriel": "zoe@nouveau.example",
                "confirmation": "zoe@nouveau.example",
            },
            "/changement-courriel": {"lien": self.change, "code": CODE},
            "/invitation": {"lien": self.invitation, "code": CODE, **NEW_PASSWORD},
            "/invitation/dossier": {"lien": self.attachment, "code": CODE},
            "/langue": {"langue": "en", "suivant": "/"},
            "/conditions": {"version": str(self.world.terms), "suivant": "/"},
            "/profils/{patient}/profil/telephones": {
                "telephone": "514 555-0188",
                "telephone_type": "mobile",
                "autre_telephone": "",
                "autre_telephone_type": "mobile",
            },
            "/profils/{patient}/communications/{thread}/reponse": {
                "texte": "Oui, merci.",
                "lu": "oui",
                "cle": f"key of {self.asked}",
                "repond_a": str(self.asked),
            },
            "/profils/{patient}/communications/nouveau": {
                "equipe": str(self.world.team),
                "sujet": "Une question",
                "texte": "Bonjour.",
                "lu": "oui",
                "cle": f"new key of {self.asked}",
            },
            "/profils/{patient}/brouillons": {"texte": "Bonj"},
            "/profils/{patient}/profil/courriels": {"communications": "oui"},
            "/profils/{patient}/profil/langue": {"langue": "en"},
            "/profils/{patient}/profil/erreur": {"texte": "Mon nom s’écrit autrement."},
            "/compte/appareils": {"appareil": "autres", "mot_de_passe": PASSWORD},
            "/compte/export": {"mot_de_passe": PASSWORD},
            "/compte/demande": {"texte": "Ajoutez ma mère."},
            "/desabonnement/{token}": {"reponse": "oui"},
            "/desabonnement/{token}/retour": {"reponse": "oui"},
            "/courriel/confirmation/{token}": {"reponse": "oui"},
            "/courriel/annulation/{token}": {"reponse": "oui"},
        }.get(route.path, {})


async def entry(account: UUID) -> Entry:
    """Of who has typed their right password, and is asked for a code."""
    row = await Account.objects().get(Account.id == account)
    assert row is not None
    return Entry(row.id, "", hash_of(row.password_hash), row.password_changed_at)


async def scene(world: World, patient: UUID | None = None) -> Scene:
    patient = patient or world.alice
    at = world.now
    reset = await account_links.issue(world.alice_account, "reset", links=LINKS, now=at)
    thread = await world.thread(patient=patient)
    asked = await world.message(thread, "C’est fait ?", may_answer=True)
    await Receipt.update({Receipt.read_at: at}).where(Receipt.thread == thread)
    helper = uuid4()
    in_two_steps = {"totp_secret": BOX.seal(helper, SECRET, now=at)}
    await world.account(f"{helper}@example.com", accepts_terms=False, id=helper, **in_two_steps)
    return Scene(
        world=world,
        patient=patient,
        coming=await world.appointment(at + timedelta(hours=60), patient=patient),
        later=await world.appointment(at + timedelta(days=30), patient=patient),
        soon=await world.appointment(at + timedelta(hours=29), patient=patient),
        slot=await world.slot(at + timedelta(hours=25)),
        urgent_slot=await world.slot(at + timedelta(hours=26)),
        grant=await world.grant(helper, patient, "read_documents", relationship="caregiver"),
        first_step=sign_in.first_step(await entry(helper), links=LINKS, now=at),
        reset=LINKS.secret_token(Purpose.RESET, reset),
        activation=await activation(world),
        change=await change(world),
        invitation=await invitation(world, f"{uuid4().hex}@example.com"),
        attachment=await invitation(world, "alice@example.com"),
        pdf=await world.attachment(patient=patient),
        thread=thread,
        asked=asked,
    )


async def activation(world: World) -> str:
    """The token of a live link to an account that nobody has proven yet."""
    links = Links(SETTINGS.keys)
    account = await world.account(f"{uuid4().hex}@example.com", activated_at=None)
    link = await account_links.issue(account, "activate", links=links, now=world.now)
    return links.secret_token(Purpose.ACTIVATE, link)


async def change(world: World) -> str:
    """The token of the link by which Alice's account gets another address."""
    row = uuid4()
    await EmailChange.delete().where(EmailChange.account == world.alice_account)
    await EmailChange.insert(
        EmailChange(
            id=row,
            account=world.alice_account,
            new_email=f"{row.hex}@example.com",
            new_canonical=f"{row.hex}@example.com",
            token_hash=hash_of(LINKS.secret_token(Purpose.CHANGE_EMAIL, row)),
            code_hash=await PASSWORDS.hash(CODE),
            asked_at=world.now,
            expires_at=world.now + timedelta(minutes=30),
        )
    )
    return LINKS.secret_token(Purpose.CHANGE_EMAIL, row)


async def invitation(world: World, email: str) -> str:
    """The token of the link by which a patient without an account gets one."""
    row = uuid4()
    await Invitation.insert(
        Invitation(
            id=row,
            patient=await world.patient("Denise", "Côté", date(1960, 2, 29)),
            email=email,
            email_canonical=email,
            token_hash=hash_of(LINKS.secret_token(Purpose.INVITE, row)),
            code_hash=await PASSWORDS.hash(CODE),
            invited_at=world.now,
            invited_by="staff",
            expires_at=world.now + timedelta(days=7),
        )
    )
    return LINKS.secret_token(Purpose.INVITE, row)
