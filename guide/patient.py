"""What the patients' guide shows."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from playwright.sync_api import Locator

from domain.demo.data.people import HEATHER, LEA, PASSWORD
from domain.demo.data.visits import TO_DECIDE
from e2e import invited, new_address, newcomer, states, writing
from e2e.addresses import step
from e2e.browsing import DESKTOP
from e2e.clinic_writes import writes
from e2e.newcomer import field
from e2e.patient import Patient
from guide.camera import Marks, Shot

CHILD = re.compile("Nathan")
LATER = "2026-12-07"
"""A week far enough for what is booked in it to be cancelled online."""
CODE = "100932"


def on_the(*labels: str) -> Marks:
    """Round the buttons, links and fields of these names."""

    def marks(on: Patient) -> Sequence[Locator]:
        return [_named(on, label) for label in labels]

    return marks


def at(*selectors: str) -> Marks:
    def marks(on: Patient) -> Sequence[Locator]:
        return [on.page.locator(selector).locator("visible=true").first for selector in selectors]

    return marks


def _named(on: Patient, label: str) -> Locator:
    control = on.main.get_by_role("button", name=on.says(label), exact=True)
    return control.or_(on.main.get_by_role("link", name=on.says(label), exact=True)).first


# Getting in


def sign_in_filled(on: Patient) -> None:
    on.opens("/connexion")
    on.page.get_by_label(on.says("Courriel")).fill(HEATHER.email)
    on.page.get_by_label(on.says("Mot de passe")).fill(PASSWORD)


def sign_in_forgotten(on: Patient) -> None:
    sign_in_filled(on)
    on.page.get_by_label(on.says("Mot de passe")).fill("Autre-12-Mot")
    on.presses("Connexion")
    on.page.get_by_role("alert").first.wait_for()


def sign_up_filled(on: Patient) -> None:
    states.sign_up(on)
    newcomer.fills_in(on)


def sign_up_phones(on: Patient) -> None:
    sign_up_filled(on)
    field(on, "Téléphone principal").fill("(514) 123-1234")


def mail_of(words: str, before: Callable[[Patient], object]) -> Callable[[Patient], None]:
    """The mail whose button says that, as a phone shows it."""

    def reach(on: Patient) -> None:
        on.portal.change("UPDATE account SET language = ?", on.device.language)
        on.portal.change("UPDATE outbound_email SET sent_at = NULL WHERE kind LIKE '%confirmable'")
        before(on)
        said = on.says(words)
        on.portal.run_jobs()
        mails = [mail for mail in on.portal.mails() if said in mail.links()]
        body = mails[-1].message.get_body(("html",))
        assert body is not None
        on.opens("about:blank")
        on.page.set_content(str(body.get_content()))

    return reach


def invited_to_fill(on: Patient) -> None:
    on.opens(invited.is_invited(on).link)
    invited.fills_in(on, CODE)


def lost_password_filled(on: Patient) -> None:
    states.lost_password(on)
    on.page.get_by_label(on.says("Courriel")).fill(HEATHER.email)


def new_password_filled(on: Patient) -> None:
    states.lost_password_mailed(on)
    mail = on.portal.run_jobs()[-1]
    on.opens(next(url for url in mail.links().values() if "/reinitialisation/" in url))
    newcomer.types_the_password(on)


def new_address_code(on: Patient) -> None:
    new_address.asks(on)
    on.opens(new_address.reads_both_mailboxes(on).link)
    field(on, "Code d’activation").fill("012012")


# Visits


def slots(on: Patient) -> None:
    on.opens(step(on.portal, "creneau", semaine=LATER))


def moment_filled(on: Patient) -> None:
    states.moment(on)
    words = on.says_of_the_clinic("Suivi de ma tension", "Blood pressure follow-up")
    on.page.get_by_role("textbox", name=re.compile("Raison|Reason")).fill(words)


def confirmation(on: Patient) -> None:
    slots(on)
    on.slots().nth(1).click()
    on.sees("Confirmez le rendez-vous")


def urgent_filled(on: Patient) -> None:
    states.urgent_reason(on)
    words = "Mal de gorge et fièvre depuis trois jours", "Sore throat and fever for three days"
    on.page.get_by_role("textbox").fill(on.says_of_the_clinic(*words))


def visit_unfolded(on: Patient) -> None:
    states.visits(on)
    on.visit(on.portal.coming(TO_DECIDE)).locator("summary").click()


# Communications


def thread(on: Patient, *, opens: bool = True, answers: bool = False) -> None:
    written = {
        "fr": (
            "Confirmation d’inscription",
            "Bonjour Heather, merci de nous confirmer que vous"
            " êtes inscrite sur la liste d’attente.",
        ),
        "en": ("Waiting list", "Hello Heather, please confirm that you are on the waiting list."),
    }[on.device.language]
    address = writes(on.portal, "Heather", written[1], subject=written[0])
    if opens:
        on.opens(f"{address}?repondre=1" if answers else address)
        on.sees(written[0])


def reply(on: Patient) -> None:
    thread(on, answers=True)
    words = "Bonjour, je suis inscrite pour décembre. Merci.", "Hello, I am on it for December."
    on.page.locator("#texte").fill(on.says_of_the_clinic(*words))
    on.page.locator("#lu").check()


def new_message(on: Patient) -> None:
    writing.opens_the_form(on)
    on.main.locator("#equipe").select_option(index=1)
    writing.subject(on).fill(on.says_of_the_clinic("Ordonnance", "Prescription"))
    words = "Bonjour, puis-je renouveler mon ordonnance ?", "Hello, can I renew my prescription?"
    writing.text(on).fill(on.says_of_the_clinic(*words))
    on.main.locator("#lu").check()


def a_document(on: Patient) -> None:
    states.documents(on)
    on.main.locator(".threads li a").first.click()
    on.main.locator(".attachments").first.wait_for()


HIS = HEATHER.email
WIDE = replace(DESKTOP, width=1280, height=800)


PICTURES = {
    "sign-in-new": Shot(
        states.sign_in, None, ("main h1", "main .card:last-of-type"), on_the("Créer un compte")
    ),
    "sign-up-phones": Shot(
        sign_up_phones, None, ("main section:nth-of-type(3)",), at(".with-kind select")
    ),
    "mail-activate": Shot(mail_of("Activez votre compte", newcomer.applies), None, ("body",)),
    "terms": Shot(
        states.terms_to_accept,
        LEA.email,
        ("main .card > *:last-child", "main form:nth-of-type(1)"),
        on_the("J’ai lu, compris et accepté les Termes et conditions"),
    ),
    "invitation": Shot(invited_to_fill, None, ("main h1", "main form"), on_the("Connexion")),
    "sign-in": Shot(sign_in_filled, None, ("main h1", "main form"), on_the("Connexion")),
    "sign-in-forgotten": Shot(
        sign_in_forgotten, None, ("main form",), on_the("Mot de passe oublié ?")
    ),
    "lost-password": Shot(
        lost_password_filled, None, ("main",), on_the("Réinitialiser le mot de passe")
    ),
    "mail-password": Shot(
        mail_of("Réinitialiser votre mot de passe", states.lost_password_mailed), None, ("body",)
    ),
    "new-password": Shot(new_password_filled, None, ("main",), on_the("Connexion")),
    "four-parts": Shot(
        states.dashboard,
        HIS,
        (),
        at("header.top", "nav.side", "aside.activity", "main"),
        is_numbered=True,
        device=WIDE,
    ),
    "phone": Shot(states.dashboard, HIS, (), at("nav.bar")),
    "menu": Shot(states.menu, HIS, ()),
    "account": Shot(
        states.dashboard,
        HIS,
        ("section.card:has(#connexion)",),
        at("a[href='/compte/courriel']", "a[href='/compte/mot-de-passe']"),
    ),
    "new-address-code": Shot(
        new_address_code, HIS, ("main h1", "main form"), on_the("Modifier le courriel")
    ),
    "passwords": Shot(states.passwords_to_type, HIS, ("main form",)),
    "profiles": Shot(
        states.dashboard,
        HIS,
        ("section#profils",),
        lambda on: [on.main.locator("a.profile-card").filter(has_text=CHILD)],
    ),
    "acting-for": Shot(
        states.visits_of_a_son, HIS, (".profile-bar", "main .actions"), at(".profile-bar")
    ),
    "profile-lost": Shot(states.dashboard, HIS, (".profile-card.is-lost",)),
    "visits": Shot(
        states.visits,
        HIS,
        (".profile-bar", "main .visits li:nth-child(2)"),
        on_the("Prendre un rendez-vous"),
    ),
    "practitioners": Shot(states.practitioners, HIS),
    "moment": Shot(moment_filled, HIS, ("main",), on_the("Continuer")),
    "slots": Shot(slots, HIS, ("main h1", ".week-nav", ".week li:nth-child(4)"), at(".week-nav")),
    "confirmation": Shot(
        confirmation,
        HIS,
        (".card .facts > div:nth-child(4)", "main form"),
        on_the("Confirmer le rendez-vous"),
    ),
    "urgent-reason": Shot(urgent_filled, HIS, ("main",), on_the("Continuer")),
    "visits-states": Shot(
        states.visits, HIS, tuple(f".visits li:nth-child({place})" for place in (1, 2, 4))
    ),
    "visit": Shot(
        visit_unfolded,
        HIS,
        (".visit[open] .facts > div:nth-last-child(2)", ".visit[open] .actions + p"),
        on_the("Confirmer le rendez-vous", "Annuler le rendez-vous"),
    ),
    "mail-visit": Shot(mail_of("Confirmer le rendez-vous", lambda on: None), None, ("body",)),
    "mail-cancel": Shot(states.link_to_cancel, None, ("main",), on_the("Annuler le rendez-vous")),
    "inbox": Shot(
        states.inbox, HIS, (".profile-bar", "main .threads li:nth-child(4)"), at(".chips")
    ),
    "reply": Shot(reply, HIS, (".reply form",), on_the("Envoyer")),
    "document": Shot(a_document, HIS, ("main .thread",), at(".attachments")),
    "new-message": Shot(new_message, HIS, ("#texte", "main form .actions"), on_the("Envoyer")),
    "mail-message": Shot(
        mail_of("Consulter le message", lambda on: thread(on, opens=False)),
        HIS,
        ("body",),
        most=400,
    ),
    "mails-chosen": Shot(states.own_profile, HIS, ("section.card:has(#courriels)",)),
    "who-may": Shot(
        states.own_profile, HIS, ("section.card:has(#acces)", "section.card:has(#journal)")
    ),
}
