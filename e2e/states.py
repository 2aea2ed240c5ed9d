"""Every page and state of the portal, and the way to it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from playwright.sync_api import expect

from domain.accounts import throttles
from domain.demo.data.people import CAMILLE, HEATHER, LEA
from domain.demo.data.visits import CONFIRMED, TO_CANCEL, TO_CONFIRM, TO_DECIDE, Coming
from domain.demo.staff import ADMINISTRATOR, PRACTITIONER, SECRETARY
from domain.people.policy import Grant
from e2e import (
    charts,
    colleagues,
    desk_doors,
    fills,
    helper,
    invited,
    new_address,
    newcomer,
    papers,
    writing,
)
from e2e.addresses import profile, step
from e2e.clinic_writes import ASKED, SUBJECT, answers, id_of, patient_of, writes
from e2e.desk_access import accesses, grant, request
from e2e.desk_writing import INBOX, takes_no_mail, thread_of, writing_to
from e2e.patient import Patient
from e2e.two_steps import has_two_steps, is_asked_for_the_code, is_offered, switches_on, types
from web.staff.sending import packed

Way = Callable[[Patient], None]

CONFIRM, CANCEL = "Confirmer le rendez-vous", "Annuler le rendez-vous"
STOP = "Ne plus recevoir les courriels de rendez-vous"


@dataclass(frozen=True)
class State:
    reach: Way
    email: str | None
    """Who is signed in."""
    is_at_work: bool = False
    """On the clinic's side."""

    def __str__(self) -> str:
        return self.reach.__name__


STATES: list[State] = []


def met_by(email: str | None, *, is_at_work: bool = False) -> Callable[[Way], Way]:
    def add(reach: Way) -> Way:
        STATES.append(State(reach, email, is_at_work))
        return reach

    return add


stranger, heather, camille, lea = (
    met_by(None),
    met_by(HEATHER.email),
    met_by(CAMILLE.email),
    met_by(LEA.email),
)
secretary, practitioner, administrator = (
    met_by(colleague.email, is_at_work=True)
    for colleague in (SECRETARY, PRACTITIONER, ADMINISTRATOR)
)


# Signed out


@stranger
def sign_in(on: Patient) -> None:
    on.opens("/connexion")


@stranger
def too_many_at_once(on: Patient) -> None:
    with on.portal.full():
        on.opens("/connexion")


@heather
def too_many_at_once_for_a_part(on: Patient) -> None:
    slots(on)
    with on.portal.full():
        on.page.locator(".week-nav a").last.click()
        on.is_warned("Rien n’a été envoyé ni perdu. Recommencez dans quelques secondes.")


@heather
def too_many_at_once_for_a_form(on: Patient) -> None:
    slots(on)
    with on.portal.full():
        on.slots().first.click()
        on.sees("Un instant…")


@stranger
def sign_in_refused(on: Patient) -> None:
    on.opens("/connexion")
    on.presses("Connexion")


@stranger
def sign_in_paused(on: Patient) -> None:
    for _ in range(throttles.SIGN_IN_PER_ADDRESS.most):
        now = on.portal.clock()
        on.portal.run(throttles.take(throttles.SIGN_IN_PER_ADDRESS, HEATHER.email, now=now))
    on.opens("/connexion")
    on.page.get_by_label(on.says("Courriel")).fill(HEATHER.email)
    on.presses("Connexion")
    on.is_warned("Vous pourrez réessayer" if on.device.language == "fr" else "again")


@stranger
def sign_up(on: Patient) -> None:
    on.opens("/inscription")


@stranger
def sign_up_refused(on: Patient) -> None:
    sign_up(on)
    for label in ("Année", "Téléphone principal", "Téléphone secondaire"):
        newcomer.field(on, label).fill("12")
    on.control("Créer un compte").press("Enter")
    on.is_warned("Inscrivez votre adresse courriel.")


@stranger
def sign_up_corrected(on: Patient) -> None:
    sign_up_too_young(on)
    on.presses("Corriger la date de naissance")


@stranger
def sign_up_too_young(on: Patient) -> None:
    sign_up(on)
    newcomer.fills_in(on, year="2019")
    on.presses("Créer un compte")


@stranger
def sign_up_not_open(on: Patient) -> None:
    on.portal.change("UPDATE clinic SET province = 'ON', consent_age = NULL")
    sign_up_too_young(on)


@stranger
def sign_up_sent(on: Patient) -> None:
    newcomer.applies(on)


@stranger
def sign_up_sent_again(on: Patient) -> None:
    sign_up_sent(on)
    on.portal.clock.advance(minutes=2)
    on.presses("Renvoyer le courriel")
    on.reads("Le courriel est envoyé de nouveau. Seul le lien du plus récent fonctionne.")


@stranger
def sign_up_sent_just_now(on: Patient) -> None:
    sign_up_sent(on)
    on.presses("Renvoyer le courriel")
    on.is_warned("Le courriel vient d’être envoyé.")


@stranger
def sign_up_sent_to_nobody(on: Patient) -> None:
    on.opens("/inscription/envoi")
    on.presses("Renvoyer le courriel")
    on.is_warned("Inscrivez votre adresse courriel.")


@stranger
def not_yet_activated(on: Patient) -> None:
    newcomer.applies(on)
    on.opens("/connexion")
    on.fills_in_the_sign_in_form(newcomer.ZOE)
    on.sees("Compte à activer")


@stranger
def activation(on: Patient) -> None:
    newcomer.applies(on)
    newcomer.opens_the_mail(on)


@stranger
def activation_refused(on: Patient) -> None:
    activation(on)
    on.presses("Activez votre compte")


@stranger
def activation_done(on: Patient) -> None:
    newcomer.applies(on)
    newcomer.activates(on)


@stranger
def activation_done_before(on: Patient) -> None:
    activation(on)
    on.portal.change("UPDATE account_link SET used_at = ?", NOW)
    on.presses("Activez votre compte")


@stranger
def activation_over(on: Patient) -> None:
    on.opens("/activation")


@stranger
def dashboard_of_a_newcomer(on: Patient) -> None:
    activation_done(on)
    newcomer.enters(on)


@stranger
def lost_password(on: Patient) -> None:
    on.opens("/mot-de-passe-oublie")


@stranger
def lost_password_refused(on: Patient) -> None:
    lost_password(on)
    on.page.get_by_label(on.says("Courriel")).fill("heather")
    on.presses("Réinitialiser le mot de passe")
    on.sees("Mot de passe oublié")


@stranger
def lost_password_paused(on: Patient) -> None:
    now = on.portal.clock()
    for _ in range(throttles.RESETS_PER_IP.most):
        on.portal.run(throttles.take(throttles.RESETS_PER_IP, "127.0.0.1", now=now))
    lost_password(on)
    on.page.get_by_label(on.says("Courriel")).fill(HEATHER.email)
    on.presses("Réinitialiser le mot de passe")
    on.is_warned("Vous pourrez réessayer" if on.device.language == "fr" else "again")


@stranger
def lost_password_mailed(on: Patient) -> None:
    lost_password(on)
    on.page.get_by_label(on.says("Courriel")).fill(HEATHER.email)
    on.presses("Réinitialiser le mot de passe")
    on.sees("Vérifiez votre boîte courriel")


@stranger
def new_password(on: Patient) -> None:
    lost_password_mailed(on)
    (mail,) = on.portal.run_jobs()
    on.opens(next(url for url in mail.links().values() if "/reinitialisation/" in url))


@stranger
def new_password_refused(on: Patient) -> None:
    new_password(on)
    on.page.locator("#mot_de_passe").fill("Bonjour2026!")
    on.control("Connexion").press("Enter")
    on.is_warned("Les deux mots de passe ne sont pas identiques.")


@stranger
def new_password_by_a_dead_link(on: Patient) -> None:
    on.opens("/reinitialisation/altered")


@stranger
def link_to_confirm(on: Patient) -> None:
    on.opens(mailed(on, CONFIRM))


@stranger
def link_to_confirm_unanswered(on: Patient) -> None:
    link_to_confirm(on)
    on.presses(CONFIRM)


@stranger
def link_confirmed(on: Patient) -> None:
    link_to_confirm(on)
    on.answers("Oui, je serai présent")
    on.presses(CONFIRM)
    on.sees("Votre rendez-vous est confirmé")


@stranger
def link_to_confirm_too_late(on: Patient) -> None:
    on.portal.clock.advance(hours=70)
    link_to_confirm(on)


@stranger
def link_to_cancel(on: Patient) -> None:
    on.opens(mailed(on, CANCEL))


@stranger
def link_to_cancel_unanswered(on: Patient) -> None:
    link_to_cancel(on)
    on.presses(CANCEL)


@stranger
def link_to_cancel_refused(on: Patient) -> None:
    link_to_cancel(on)
    on.answers("Oui, annuler ce rendez-vous")
    on.portal.clock.advance(hours=12)
    on.presses(CANCEL)


@stranger
def link_cancelled(on: Patient) -> None:
    link_to_cancel(on)
    on.answers("Oui, annuler ce rendez-vous")
    on.presses(CANCEL)
    on.sees("Votre rendez-vous est annulé")


@stranger
def unsubscribing(on: Patient) -> None:
    on.opens(next(filter(None, (mail.links().get(STOP) for mail in on.portal.mails()))))


@stranger
def unsubscribing_unanswered(on: Patient) -> None:
    unsubscribing(on)
    on.presses("Ne plus recevoir")


@stranger
def unsubscribed(on: Patient) -> None:
    unsubscribing(on)
    on.answers("Oui, ne plus recevoir ces courriels")
    on.presses("Ne plus recevoir")
    on.sees("Ces courriels sont arrêtés")


@stranger
def dead_link(on: Patient) -> None:
    on.opens("/courriel/confirmation/altered")


@stranger
def demo_mailbox(on: Patient) -> None:
    on.opens("/courriels")


@stranger
def demo_mail(on: Patient) -> None:
    demo_mailbox(on)
    on.main.get_by_role("listitem").get_by_role("link").first.click()


@stranger
def code_to_sign_in(on: Patient) -> None:
    has_two_steps(on.portal)
    is_asked_for_the_code(on)


@stranger
def code_to_sign_in_refused(on: Patient) -> None:
    code_to_sign_in(on)
    on.presses("Connexion")


@stranger
def code_to_sign_in_too_late(on: Patient) -> None:
    code_to_sign_in(on)
    on.portal.clock.advance(minutes=6)
    types(on, "123456")
    on.presses("Connexion")
    on.is_warned("Connectez-vous de nouveau.")


# Writing to the clinic


@heather
def new_message(on: Patient) -> None:
    writing.opens_the_form(on, of="Nathan")


@heather
def new_message_refused(on: Patient) -> None:
    writing.opens_the_form(on)
    writing.text(on).fill("Bonjour. " * 60)
    on.presses("Envoyer")
    on.is_warned("Votre message est trop long : 500 caractères au maximum.")


@heather
def new_message_with_a_draft(on: Patient) -> None:
    writing.opens_the_form(on)
    writing.fills_it_in(on)
    writing.is_told_of_the_draft(on)


@heather
def new_message_kept_over_the_end_of_the_session(on: Patient) -> None:
    writing.opens_the_form(on)
    writing.fills_it_in(on)
    writing.session_ends(on)
    on.presses("Envoyer")
    on.fills_in_the_sign_in_form()
    on.reads("Votre texte a été conservé.")


@heather
def new_message_of_an_older_tab(on: Patient) -> None:
    writing.opens_the_form(on)
    writing.is_written_in_another_tab(on)
    writing.text(on).fill(writing.TEXT)
    on.reads(writing.NEWER)


@heather
def new_message_to_nobody(on: Patient) -> None:
    on.portal.change("UPDATE team SET takes_messages = 0")
    writing.opens_the_form(on)


@heather
def new_message_to_the_only_team(on: Patient) -> None:
    on.portal.change("UPDATE team SET takes_messages = 0 WHERE name_fr <> 'Accueil'")
    writing.opens_the_form(on)


# Dashboard and visits


@heather
def dashboard(on: Patient) -> None:
    on.opens("/")


@heather
def dashboard_unfolded(on: Patient) -> None:
    dashboard(on)
    unfold_all(on)


@heather
def menu(on: Patient) -> None:
    dashboard(on)
    on.page.evaluate("() => { document.querySelector('.menu').open = true; }")


@heather
def dashboard_with_all_visits(on: Patient) -> None:
    dashboard(on)
    on.presses("Afficher tous les rendez-vous")


@heather
def dashboard_with_a_pending_address(on: Patient) -> None:
    new_address.asks(on)
    dashboard(on)


@camille
def dashboard_without_a_visit(on: Patient) -> None:
    on.opens("/")


@camille
def dashboard_without_a_profile(on: Patient) -> None:
    on.portal.change("DELETE FROM proxy_grant")
    on.opens("/")


@heather
def visits(on: Patient) -> None:
    on.opens(f"{profile(on.portal)}/rendez-vous")


@heather
def visits_unfolded(on: Patient) -> None:
    visits(on)
    unfold_all(on)


@heather
def older_visits(on: Patient) -> None:
    latest = on.portal.value(
        "SELECT ap.id FROM appointment ap JOIN patient pa ON pa.id = ap.patient"
        " WHERE pa.first_name = 'Heather' AND ap.ends_at < ? ORDER BY ap.starts_at DESC LIMIT 1",
        str(on.portal.clock()),
    )
    on.opens(f"{profile(on.portal)}/rendez-vous?avant={latest}")
    on.reads("Les plus récents")


@camille
def no_visits(on: Patient) -> None:
    on.opens(f"{profile(on.portal, 'Camille')}/rendez-vous")


@heather
def visit_refused(on: Patient) -> None:
    visits(on)
    on.visit(on.portal.coming(TO_CANCEL)).locator("summary").click()
    on.visit(on.portal.coming(TO_CANCEL)).get_by_role("link", name=on.says(CANCEL)).click()
    on.portal.change("UPDATE clinic SET cancel_limit_hours = 500")
    on.presses(CANCEL)
    on.is_warned("Pour l’annuler, appelez la clinique.")


@heather
def asked_whether_to_cancel(on: Patient) -> None:
    on.opens(f"{profile(on.portal)}/rendez-vous/{on.portal.coming(TO_CANCEL)}/annulation")


@heather
def visits_of_a_son(on: Patient) -> None:
    on.opens(f"{profile(on.portal, 'Nathan')}/rendez-vous")


# « Profil », and the account


@heather
def own_profile(on: Patient) -> None:
    helper.acts_for_heather(on.portal)
    on.opens(f"{profile(on.portal)}/profil")


@heather
def own_profile_refused(on: Patient) -> None:
    own_profile(on)
    on.page.get_by_label(on.says("Téléphone principal")).fill("12")
    on.presses("Enregistrer les téléphones")


@heather
def own_profile_changed(on: Patient) -> None:
    own_profile(on)
    on.presses("Enregistrer les téléphones")
    on.reads("Vos téléphones sont enregistrés.")


@heather
def profile_of_a_son(on: Patient) -> None:
    on.opens(f"{profile(on.portal, 'Nathan')}/profil")


@heather
def asked_whether_to_withdraw(on: Patient) -> None:
    grant = helper.acts_for_heather(on.portal)
    on.opens(f"{profile(on.portal)}/profil/acces/{grant}")


@heather
def access_journal(on: Patient) -> None:
    on.opens(f"{profile(on.portal)}/profil/journal")


@heather
def error_to_report(on: Patient) -> None:
    on.opens(f"{profile(on.portal)}/profil/erreur")


@heather
def error_to_report_refused(on: Patient) -> None:
    error_to_report(on)
    on.presses("Envoyer")


@heather
def devices(on: Patient) -> None:
    on.portal.begin_session(HEATHER.email)
    on.opens("/compte/appareils")


@heather
def devices_refused(on: Patient) -> None:
    devices(on)
    on.answers("Tous les autres appareils")
    on.presses("Déconnecter")


@heather
def only_this_device(on: Patient) -> None:
    on.opens("/compte/appareils?fait=oui")


@heather
def export(on: Patient) -> None:
    on.opens("/compte/export")


@heather
def export_refused(on: Patient) -> None:
    export(on)
    on.presses("Télécharger mes données")


@heather
def profile_to_ask_for(on: Patient) -> None:
    on.opens("/compte/demande")


@heather
def profile_to_ask_for_refused(on: Patient) -> None:
    profile_to_ask_for(on)
    on.presses("Envoyer la demande")


@heather
def profile_asked_for(on: Patient) -> None:
    on.opens("/compte/demande?fait=oui")


# The account


@heather
def passwords_to_type(on: Patient) -> None:
    on.opens("/compte/mot-de-passe")


@heather
def passwords_refused(on: Patient) -> None:
    passwords_to_type(on)
    on.page.locator("#ancien").fill("Autre-12-Mot")
    on.control("Sauvegarder").press("Enter")
    on.is_warned("Ce n’est pas votre mot de passe actuel.")


@heather
def password_changed(on: Patient) -> None:
    on.opens("/compte/mot-de-passe/termine")


@heather
def session_nearly_idle(on: Patient) -> None:
    on.portal.change("UPDATE clinic SET idle_minutes = 2")
    on.opens("/")
    expect(on.control("Rester connecté")).to_be_focused()


@heather
def session_nearly_twelve_hours_old(on: Patient) -> None:
    on.portal.change("UPDATE session SET created_at = datetime(created_at, '-719 minutes')")
    on.opens("/")
    expect(on.control("Continuer")).to_be_focused()


# Booking


@heather
def specialties(on: Patient) -> None:
    on.opens(step(on.portal, "specialite", 0))


@heather
def practitioners(on: Patient) -> None:
    on.opens(step(on.portal, "intervenant", 1))


@heather
def sites(on: Patient) -> None:
    on.opens(step(on.portal, "lieu", 2))


@heather
def visit_types(on: Patient) -> None:
    on.opens(step(on.portal, "type", 3))


@heather
def moment(on: Patient) -> None:
    on.opens(step(on.portal, "moment", 4))


@heather
def moment_refused(on: Patient) -> None:
    moment(on)
    on.answers("À partir du")
    on.page.get_by_role("textbox", name=re.compile("Raison|Reason")).fill("Fatigue " * 20)
    on.presses("Continuer")


@heather
def slots(on: Patient) -> None:
    on.opens(step(on.portal, "creneau"))


@heather
def slots_of_anyone(on: Patient) -> None:
    on.opens(step(on.portal, "creneau", intervenant="tous", semaine="2027-01-18"))


@heather
def slots_unfolded(on: Patient) -> None:
    on.opens(step(on.portal, "creneau", semaine="2027-01-18"))
    on.page.get_by_role("link", name=re.compile("Afficher|Show")).first.click()


@heather
def slots_in_the_last_week(on: Patient) -> None:
    on.opens(step(on.portal, "creneau", semaine="2027-02-28"))


@heather
def week_without_a_slot(on: Patient) -> None:
    on.portal.change("UPDATE slot SET withdrawn_at = ? WHERE starts_at < '2026-12-14'", MIDNIGHT)
    on.opens(step(on.portal, "creneau", semaine="2026-12-01"))


@heather
def no_slot_at_all(on: Patient) -> None:
    on.portal.change("UPDATE slot SET withdrawn_at = ?", MIDNIGHT)
    on.opens(step(on.portal, "creneau"))


@heather
def slot_taken(on: Patient) -> None:
    slots(on)
    on.portal.change(
        "INSERT INTO hold (id, slot, account, patient, placed_at, expires_at)"
        " SELECT sl.id, sl.id, ac.id, gr.patient, '2026-11-24', '2027-12-31' FROM slot sl"
        " JOIN account ac ON ac.email = ? JOIN proxy_grant gr ON gr.account = ac.id"
        " WHERE sl.id = ?",
        CAMILLE.email,
        on.slots().first.get_attribute("value"),
    )
    on.slots().first.click()
    on.is_warned("Ce créneau vient d’être pris.")


@heather
def slot_that_clashes(on: Patient) -> None:
    slots(on)
    chosen = on.slots().first.get_attribute("value")
    on.portal.change(
        "UPDATE appointment SET starts_at = (SELECT starts_at FROM slot WHERE id = ?),"
        " ends_at = (SELECT ends_at FROM slot WHERE id = ?) WHERE id = ?",
        chosen,
        chosen,
        on.portal.coming(CONFIRMED),
    )
    on.slots().first.click()
    alert = on.page.get_by_role("alert")
    expect(alert).to_contain_text("Heather Milner")
    expect(alert.get_by_role("button")).to_have_count(0)


@heather
def confirmation(on: Patient) -> None:
    slots(on)
    on.picks_a_slot()


@heather
def confirmation_without_a_hold(on: Patient) -> None:
    confirmation(on)
    on.portal.change("DELETE FROM hold")
    on.page.reload()


@heather
def confirmation_for_a_son(on: Patient) -> None:
    on.opens(f"{profile(on.portal, 'Nathan')}/reservation/specialite")
    on.chooses(on.says_of_the_clinic("Pédiatrie", "Pediatrics"))
    on.chooses("Dre Sofia Haddad")
    on.presses("Continuer")
    on.picks_a_slot(0)


@heather
def booked(on: Patient) -> None:
    confirmation(on)
    on.books()


@heather
def booked_and_cancelled(on: Patient) -> None:
    booked(on)
    on.portal.change("UPDATE appointment SET cancelled_at = ? WHERE booked_at = ?", *[NOW] * 2)
    on.page.reload()


@heather
def urgent_sites(on: Patient) -> None:
    on.opens(f"{profile(on.portal)}/urgence/lieu")


@heather
def urgent_reason(on: Patient) -> None:
    urgent_sites(on)
    on.chooses("Clinique des Érables – Rosemont")
    on.chooses(on.says_of_the_clinic("Accès adapté", "Advanced access"))


@heather
def urgent_reason_missing(on: Patient) -> None:
    urgent_reason(on)
    on.presses("Continuer")


@heather
def urgent_slots(on: Patient) -> None:
    urgent_reason(on)
    on.page.get_by_role("textbox").fill("Fièvre")
    on.presses("Continuer")


# A thread, and the reply


@heather
def thread_unread(on: Patient) -> None:
    on.opens(writes(on.portal, "Heather", f"{ASKED} https://clinique.example/aide."))
    on.sees(SUBJECT)


@heather
def thread_of_a_child(on: Patient) -> None:
    address = writes(on.portal, "Nathan")
    on.opens(f"{address}?repondre=1")
    answers(on)
    on.page.wait_for_url("**fait=reponse**")
    on.sees(SUBJECT)


@heather
def thread_of_any_length(on: Patient) -> None:
    long = "Nous avons bien reçu vos résultats. " * 12
    on.opens(writes(on.portal, "Heather", *[long] * 8, subject="Très long " * 11, kind="document"))


@heather
def thread_of_many_pages(on: Patient) -> None:
    on.opens(writes(on.portal, "Heather", *["Bonjour."] * 52))
    on.sees(SUBJECT)


@heather
def thread_of_many_pages_further_back(on: Patient) -> None:
    thread_of_many_pages(on)
    on.presses("Messages plus anciens")
    on.sees(SUBJECT)


@heather
def reply_begun(on: Patient) -> None:
    on.opens(f"{writes(on.portal, 'Heather')}?repondre=1")
    on.sees(SUBJECT)


@heather
def reply_incomplete(on: Patient) -> None:
    reply_begun(on)
    on.page.locator("#texte").fill("a" * 501)
    on.presses("Envoyer")
    on.is_warned("Votre message est trop long : 500 caractères au maximum.")


@heather
def reply_sent(on: Patient) -> None:
    reply_begun(on)
    answers(on)
    on.reads("Votre réponse a été envoyée.")


@heather
def reply_after_a_newer_message(on: Patient) -> None:
    address = writes(on.portal, "Heather")
    on.opens(f"{address}?repondre=1")
    writes(on.portal, "Heather", "Une précision.", thread=id_of(address))
    answers(on)
    on.is_warned("Lisez son message avant de répondre ; votre texte est gardé.")


@heather
def reply_withdrawn_meanwhile(on: Patient) -> None:
    reply_begun(on)
    on.portal.change("UPDATE clinic SET has_replies = 0")
    answers(on)
    on.is_warned("Votre réponse n’a pas été envoyée.")


@heather
def replies_paused(on: Patient) -> None:
    account = str(on.portal.account(HEATHER.email))
    for _ in range(throttles.REPLIES.most):
        on.portal.run(throttles.take(throttles.REPLIES, account, now=on.portal.clock()))
    reply_begun(on)
    answers(on)
    on.is_warned("Vous pourrez réessayer" if on.device.language == "fr" else "again")


@heather
def reply_not_expected(on: Patient) -> None:
    on.opens(writes(on.portal, "Heather", may_answer=False))
    on.reads("La clinique n’attend pas de réponse à ce message.")


@heather
def thread_closed(on: Patient) -> None:
    address = writes(on.portal, "Heather")
    on.portal.change("UPDATE thread SET closed_at = ?", str(on.portal.clock()))
    on.opens(address)
    on.reads("La clinique a terminé cet échange.")


@camille
def thread_of_who_may_only_read(on: Patient) -> None:
    address = writes(on.portal, "Heather", "Facture de la visite.", kind="invoice")
    helper.acts_for_heather(on.portal, Grant.READ_INVOICES)
    on.opens(address)
    on.reads("Votre accès à ce profil ne permet pas d’écrire à la clinique.")


# Communications, listed


def communications(on: Patient, folder: str = "communications", query: str = "") -> None:
    on.opens(f"{profile(on.portal)}/{folder}{query}")


@heather
def inbox(on: Patient) -> None:
    communications(on)


@heather
def inbox_further_back(on: Patient) -> None:
    fills.writes_often(on.portal)
    communications(on)
    on.presses("Plus anciennes")


@heather
def documents(on: Patient) -> None:
    communications(on, "documents")


@heather
def invoices(on: Patient) -> None:
    communications(on, "factures")


@heather
def sent(on: Patient) -> None:
    communications(on, "envoyees")


@heather
def inbox_searched(on: Patient) -> None:
    communications(on, query="?q=e")


@heather
def inbox_searched_in_vain(on: Patient) -> None:
    communications(on, query="?q=zèbre")


@heather
def inbox_searched_for_too_much(on: Patient) -> None:
    communications(on, query="?q=" + "zèbre" * 40)


@camille
def inbox_empty(on: Patient) -> None:
    on.portal.change("DELETE FROM receipt")
    fills.is_emptied(on.portal)
    on.opens(f"{profile(on.portal, 'Camille')}/communications")


@heather
def lists_empty(on: Patient) -> None:
    fills.is_emptied(on.portal)
    communications(on, "documents")


# By invitation


def invitation(on: Patient, email: str = invited.DENIS) -> invited.Invitation:
    has = invited.is_invited(on, email)
    on.opens(has.link)
    return has


@stranger
def invitation_to_accept(on: Patient) -> None:
    invitation(on)


@stranger
def invitation_refused(on: Patient) -> None:
    invitation(on)
    on.main.get_by_role("button", name=on.says("Connexion"), exact=True).press("Enter")
    on.is_warned("Saisissez le code.")


@stranger
def invitation_with_a_wrong_code(on: Patient) -> None:
    invited.answers(on, invitation(on).wrong_code)
    on.is_warned("Ce n’est pas le bon code.")


@stranger
def invitation_spent(on: Patient) -> None:
    has = invitation(on)
    on.portal.change("UPDATE invitation SET tries = 5")
    on.opens(has.link)


@stranger
def invitation_expired(on: Patient) -> None:
    has = invitation(on)
    on.portal.clock.advance(days=7)
    on.opens(has.link)


@stranger
def invitation_replaced(on: Patient) -> None:
    has = invitation(on)
    invited.is_invited(on)
    on.opens(has.link)


@stranger
def invitation_used(on: Patient) -> None:
    has = invitation(on)
    on.portal.change("UPDATE invitation SET accepted_at = ?", NOW)
    on.opens(has.link)


@stranger
def invitation_of_a_known_address(on: Patient) -> None:
    invitation(on, CAMILLE.email)


@camille
def invitation_of_another_address(on: Patient) -> None:
    invitation(on)


@camille
def invitation_of_another_known_address(on: Patient) -> None:
    invitation(on, HEATHER.email)


@camille
def chart_to_add(on: Patient) -> None:
    on.portal.change("DELETE FROM proxy_grant")
    invitation(on, CAMILLE.email)
    on.opens("/invitation/dossier")


@camille
def chart_to_add_refused(on: Patient) -> None:
    chart_to_add(on)
    on.control("Ajouter mon dossier").press("Enter")
    on.is_warned("Saisissez le code.")


@camille
def chart_beside_ones_own(on: Patient) -> None:
    invitation(on, CAMILLE.email)
    on.opens("/invitation/dossier")


@camille
def chart_of_another_address(on: Patient) -> None:
    invitation(on)
    on.opens("/invitation/dossier")


# Another address


@heather
def new_address_form(on: Patient) -> None:
    on.opens("/compte/courriel")


@heather
def new_address_refused(on: Patient) -> None:
    new_address_form(on)
    on.control("Sauvegarder").press("Enter")
    on.is_warned("Saisissez votre mot de passe actuel.")


@heather
def new_address_paused(on: Patient) -> None:
    account = on.portal.value("SELECT id FROM account WHERE email = ?", HEATHER.email)
    for _ in range(throttles.EMAIL_CHANGES.most):
        now = on.portal.clock()
        on.portal.run(throttles.take(throttles.EMAIL_CHANGES, str(account), now=now))
    new_address_form(on)
    new_address.fills_in(on)
    on.is_warned("Vous pourrez réessayer" if on.device.language == "fr" else "again")


@heather
def new_address_asked(on: Patient) -> None:
    new_address.asks(on)


@heather
def new_address_asked_before(on: Patient) -> None:
    new_address_asked(on)
    new_address_form(on)


@heather
def new_address_mailed_just_now(on: Patient) -> None:
    new_address_asked(on)
    on.presses("Renvoyer")
    on.reads(on.says_of_the_clinic("Attendez une minute", "Wait one minute"))


@heather
def new_address_mailed_again(on: Patient) -> None:
    new_address_asked(on)
    on.portal.clock.advance(minutes=1)
    on.presses("Renvoyer")
    on.reads("Les deux courriels ont été renvoyés.")


@heather
def new_address_to_confirm(on: Patient) -> None:
    new_address_asked(on)
    on.opens(new_address.reads_both_mailboxes(on).link)


@heather
def new_address_with_a_wrong_code(on: Patient) -> None:
    new_address_asked(on)
    mailed = new_address.reads_both_mailboxes(on)
    on.opens(mailed.link)
    new_address.types_the_code(on, mailed.wrong_code)
    on.is_warned("Ce n’est pas le bon code.")


@heather
def new_address_spent(on: Patient) -> None:
    new_address_to_confirm(on)
    on.portal.change("UPDATE email_change SET tries = 5")
    on.page.reload()


@heather
def new_address_taken_meanwhile(on: Patient) -> None:
    new_address_asked(on)
    mailed = new_address.reads_both_mailboxes(on)
    on.opens(mailed.link)
    on.portal.change(
        "UPDATE account SET email_canonical = ? WHERE email = ?", new_address.NEW, CAMILLE.email
    )
    new_address.types_the_code(on, mailed.code)


@heather
def new_address_confirmed(on: Patient) -> None:
    new_address_asked(on)
    mailed = new_address.reads_both_mailboxes(on)
    on.opens(mailed.link)
    new_address.types_the_code(on, mailed.code)
    on.sees("Votre courriel est changé")


@stranger
def sign_in_with_the_new_address(on: Patient) -> None:
    on.opens("/connexion?fait=courriel")


# Signing in in two steps


@heather
def two_steps_off(on: Patient) -> None:
    on.opens("/compte/validation")


@heather
def two_steps_without_a_password(on: Patient) -> None:
    two_steps_off(on)
    on.presses("Continuer")


@heather
def two_steps_set_up(on: Patient) -> None:
    is_offered(on)


@heather
def two_steps_without_a_code(on: Patient) -> None:
    two_steps_set_up(on)
    on.presses("Activer")


@heather
def two_steps_set_up_too_late(on: Patient) -> None:
    on.opens("/compte/validation?fait=trop-tard")


@heather
def recovery_codes(on: Patient) -> None:
    switches_on(on)


@heather
def two_steps_on(on: Patient) -> None:
    has_two_steps(on.portal)
    on.opens("/compte/validation")


@heather
def new_recovery_codes(on: Patient) -> None:
    two_steps_on(on)
    on.presses("Nouveaux codes de récupération")


@heather
def switching_two_steps_off(on: Patient) -> None:
    two_steps_on(on)
    on.presses("Désactiver")


@heather
def switching_two_steps_off_refused(on: Patient) -> None:
    switching_two_steps_off(on)
    on.presses("Désactiver")


@heather
def two_steps_switched_off(on: Patient) -> None:
    on.opens("/compte/validation?fait=desactivation")


# Terms and refusals


@lea
def terms_to_accept(on: Patient) -> None:
    on.opens("/")


@heather
def terms_accepted(on: Patient) -> None:
    on.opens("/conditions")


@heather
def not_found(on: Patient) -> None:
    on.opens("/nulle-part")


@heather
def profile_lost(on: Patient) -> None:
    on.opens(f"{profile(on.portal, 'Hugo')}/rendez-vous")


@heather
def not_granted(on: Patient) -> None:
    on.portal.change("UPDATE proxy_grant SET may_book = false")
    visits(on)


@heather
def form_refused(on: Patient) -> None:
    confirmation(on)
    on.page.evaluate(
        "() => document.querySelectorAll('[name=_csrf_token]').forEach("
        "(field) => { field.value = 'altered'; })"
    )
    on.presses(CONFIRM)


@heather
def wrong_method(on: Patient) -> None:
    on.opens("/deconnexion")


@heather
def crash(on: Patient) -> None:
    on.portal.change("ALTER TABLE hold RENAME TO gone")
    slots(on)


@heather
def document_unavailable(on: Patient) -> None:
    paper = papers.arrives(on.portal)
    papers.is_damaged(on.portal, paper)
    on.opens(paper.file)


# The clinic's side


@secretary
def day_of_the_secretary(on: Patient) -> None:
    on.opens("/clinique")


@secretary
def day_of_many(on: Patient) -> None:
    colleagues.many(on.portal)
    on.opens("/clinique")


@secretary
def day_of_an_unknown_name(on: Patient) -> None:
    colleagues.many(on.portal)
    on.opens("/clinique?intervenant_nom=Personne")


@secretary
def calendar_of_a_name_that_several_have(on: Patient) -> None:
    colleagues.many(on.portal)
    on.opens("/clinique/agenda?intervenant_nom=Roy")


@secretary
def thread_given_to_an_unknown_name(on: Patient) -> None:
    colleagues.many(on.portal)
    desk_thread(on)
    on.page.locator("#a_nom").fill("Personne")
    on.presses("Confier")


@secretary
def chart_of_a_name_that_several_have(on: Patient) -> None:
    colleagues.many(on.portal)
    on.opens(charts.chart(on, page="/modification"))
    on.page.locator("#intervenant_nom").fill("Roy")
    on.presses("Enregistrer")


@practitioner
def day_of_the_practitioner(on: Patient) -> None:
    on.opens("/clinique")


@administrator
def day_of_the_administrator(on: Patient) -> None:
    on.opens("/clinique")


@stranger
def staff_sign_in(on: Patient) -> None:
    on.opens("/clinique/connexion")


@stranger
def staff_sign_in_refused(on: Patient) -> None:
    desk_doors.types_the_password(on, SECRETARY.email, "Autre-12-Mot")
    on.is_warned(desk_doors.WRONG)


@stranger
def staff_code(on: Patient) -> None:
    desk_doors.types_the_password(on, SECRETARY.email)
    on.sees("Code de validation")


@stranger
def staff_code_refused(on: Patient) -> None:
    staff_code(on)
    types(on, "000000")
    on.control("Connexion").click()
    on.is_warned(desk_doors.WRONG_CODE)


@stranger
def staff_code_too_late(on: Patient) -> None:
    staff_code(on)
    on.portal.clock.advance(minutes=6)
    on.control("Connexion").click()
    on.is_warned(desk_doors.OVER)


@stranger
def staff_activation(on: Patient) -> None:
    on.opens(desk_doors.is_made_administrator(on))
    on.sees("Activez votre accès")


@stranger
def staff_activation_refused(on: Patient) -> None:
    staff_activation(on)
    on.control("Continuer").press("Enter")
    on.is_warned("Choisissez un mot de passe.")


@stranger
def staff_activation_codes(on: Patient) -> None:
    staff_activation(on)
    desk_doors.is_offered_codes(on)


@stranger
def staff_activation_codes_refused(on: Patient) -> None:
    staff_activation_codes(on)
    types(on, "000000")
    on.presses("Activer et me connecter")
    on.is_warned(desk_doors.WRONG_CODE)


@stranger
def staff_activation_over(on: Patient) -> None:
    on.opens("/clinique/activation")


@stranger
def staff_password_lost(on: Patient) -> None:
    on.opens("/clinique/mot-de-passe-oublie")


@stranger
def staff_password_lost_refused(on: Patient) -> None:
    staff_password_lost(on)
    on.presses("Réinitialiser le mot de passe")
    on.is_warned("Saisissez votre adresse courriel.")


@stranger
def staff_password_mailed(on: Patient) -> None:
    staff_password_lost(on)
    on.page.get_by_label(on.says("Courriel")).fill(SECRETARY.email)
    on.presses("Réinitialiser le mot de passe")
    on.sees("Vérifiez votre boîte courriel")


@stranger
def staff_new_password(on: Patient) -> None:
    staff_password_mailed(on)
    mails = [mail for mail in on.portal.run_jobs() if mail.to == SECRETARY.email]
    links = [url for mail in mails for url in mail.links().values()]
    on.opens(next(url for url in links if "/reinitialisation/" in url))


@stranger
def staff_new_password_by_a_dead_link(on: Patient) -> None:
    on.opens("/clinique/reinitialisation/altered")


@stranger
def installation_shut(on: Patient) -> None:
    on.opens("/clinique/installation")


@stranger
def installation_begun(on: Patient) -> None:
    on.opens(desk_doors.has_no_clinic_yet(on))


@stranger
def installation_refused(on: Patient) -> None:
    installation_begun(on)
    on.presses("Continuer")
    on.is_warned("Inscrivez un numéro de téléphone à 10 chiffres.")


@stranger
def installation_of_the_province(on: Patient) -> None:
    desk_doors.installs(on, up_to=2)


@stranger
def installation_of_the_practitioner(on: Patient) -> None:
    desk_doors.installs(on, up_to=4)


@stranger
def installation_of_the_week(on: Patient) -> None:
    desk_doors.installs(on, up_to=5)


@stranger
def installation_of_the_texts(on: Patient) -> None:
    desk_doors.installs(on, up_to=6)


@administrator
def staff_list(on: Patient) -> None:
    on.opens("/clinique/personnel")


@administrator
def staff_list_of_those_who_left(on: Patient) -> None:
    on.opens("/clinique/personnel?vue=anciens")


@administrator
def staff_new(on: Patient) -> None:
    on.opens("/clinique/personnel/nouveau")


@administrator
def staff_new_refused(on: Patient) -> None:
    staff_new(on)
    on.main.get_by_role("button", name=on.says("Ajouter"), exact=True).click()
    on.is_warned("Inscrivez le prénom.")


@administrator
def staff_member(on: Patient) -> None:
    staff_list(on)
    on.presses("Manon Girard")
    on.sees("Manon Girard")


@administrator
def staff_member_changed_meanwhile(on: Patient) -> None:
    staff_member(on)
    on.portal.change(
        "UPDATE staff_member SET version = 2, last_name = 'Gagné' WHERE last_name = 'Girard'"
    )
    on.presses("Enregistrer")
    on.is_warned(desk_doors.CHANGED)


@administrator
def staff_member_deactivated(on: Patient) -> None:
    staff_member(on)
    on.presses("Désactiver")
    on.reads("Cette personne n’a plus accès à l’espace clinique.")


@secretary
def staff_account(on: Patient) -> None:
    on.portal.begin_work(SECRETARY.email)
    on.opens("/clinique/mon-compte")


@secretary
def staff_account_password(on: Patient) -> None:
    on.opens("/clinique/mon-compte/mot-de-passe")


@secretary
def staff_account_application(on: Patient) -> None:
    on.opens("/clinique/mon-compte/application")


@administrator
def first_steps(on: Patient) -> None:
    on.opens("/clinique/premiers-pas")
    on.presses("Envoyer un courriel d’essai")
    on.reads("Le courriel d’essai part.")


@secretary
def desk_inbox(on: Patient) -> None:
    on.opens(INBOX)


@secretary
def desk_inbox_empty(on: Patient) -> None:
    on.opens(f"{INBOX}?q=introuvable")


@secretary
def desk_inbox_of_all(on: Patient) -> None:
    on.opens(f"{INBOX}?etat=tous")


@secretary
def desk_thread(on: Patient) -> None:
    takes_no_mail(on.portal)
    on.opens(thread_of(on.portal, "Supplément de fer"))


@secretary
def desk_thread_closed(on: Patient) -> None:
    desk_thread(on)
    on.presses("Fermer")


@secretary
def desk_thread_refused(on: Patient) -> None:
    desk_thread(on)
    on.page.locator("#genre").select_option("document")
    on.presses("Envoyer")


@secretary
def desk_threads_of_a_patient(on: Patient) -> None:
    on.opens(f"/clinique/patients/{patient_of(on.portal, 'Nathan')}/communications")


@secretary
def desk_recipients(on: Patient) -> None:
    on.opens(f"{INBOX}/envoi?q=mansouri")
    on.main.get_by_role("button", name=re.compile("Farid")).click()


@secretary
def desk_letter(on: Patient) -> None:
    on.opens(writing_to(on.portal))


@secretary
def desk_letter_to_many_refused(on: Patient) -> None:
    people = [UUID(patient_of(on.portal, name)) for name in ("Heather", "Nathan", "Farid")]
    on.opens(f"{INBOX}/envoi/message?a={packed(people)}")
    on.page.locator("form.desk-form .btn-primary").click()


@secretary
def desk_texts(on: Patient) -> None:
    on.opens("/clinique/modeles")


@secretary
def desk_text_refused(on: Patient) -> None:
    on.opens("/clinique/modeles/nouveau")
    on.presses("Enregistrer")


@secretary
def desk_outbox(on: Patient) -> None:
    takes_no_mail(on.portal)
    on.opens("/clinique/courriels")


@secretary
def desk_outbox_settled(on: Patient) -> None:
    on.portal.change("DELETE FROM outbound_email")
    on.opens("/clinique/courriels")


# « Agenda »


def calendar_of_roy(on: Patient, path: str = "") -> str:
    id = on.portal.value("SELECT id FROM practitioner WHERE last_name = 'Roy'")
    return f"/clinique/agenda/{id}{path}"


@secretary
def calendar_week(on: Patient) -> None:
    on.opens(calendar_of_roy(on))


@secretary
def calendar_week_with_a_holiday(on: Patient) -> None:
    on.opens(calendar_of_roy(on, "?semaine=2026-12-25&jour=2026-12-25"))


@practitioner
def calendar_slot(on: Patient) -> None:
    on.opens(calendar_of_roy(on))
    on.page.locator(".week-grid a.slot:visible").first.click()


@secretary
def calendar_days(on: Patient) -> None:
    on.opens(calendar_of_roy(on, "/journees"))


@secretary
def calendar_day_refused(on: Patient) -> None:
    calendar_days(on)
    on.presses("Ajouter et publier")


@secretary
def calendar_absences(on: Patient) -> None:
    on.opens(calendar_of_roy(on, "/absences"))


@secretary
def calendar_absence_refused(on: Patient) -> None:
    calendar_absences(on)
    on.presses("Voir qui est touché")


@secretary
def calendar_time_to_take_back(on: Patient) -> None:
    on.opens(calendar_of_roy(on, "/retrait?du=2026-11-25"))


@administrator
def calendar_closures(on: Patient) -> None:
    on.opens("/clinique/agenda/fermetures")


@administrator
def calendar_closure_to_remove(on: Patient) -> None:
    calendar_closures(on)
    on.page.get_by_role("main").get_by_role("link", name=re.compile(r"\b25\b")).click()


@administrator
def calendar_closure(on: Patient) -> None:
    on.opens("/clinique/agenda/fermetures/nouvelle?du=2026-12-24")


@administrator
def calendar_hours(on: Patient) -> None:
    on.opens(calendar_of_roy(on, "/horaires"))


@administrator
def calendar_hours_changed(on: Patient) -> None:
    calendar_hours(on)
    on.page.get_by_role("main").get_by_role("link", name=re.compile(" 1$")).first.click()
    on.page.locator("#fin_1").fill("10:00")
    on.presses("Voir ce qui va changer")


@administrator
def calendar_hours_refused(on: Patient) -> None:
    on.opens(calendar_of_roy(on, "/horaires/nouveau"))
    on.presses("Enregistrer et publier")


# Settings, journal and incidents


@administrator
def settings(on: Patient) -> None:
    on.opens("/clinique/reglages")


@administrator
def settings_of_visits_refused(on: Patient) -> None:
    on.opens("/clinique/reglages/rendez-vous")
    on.page.locator("#horizon").fill("90")
    on.presses("Enregistrer")
    on.is_warned("52")


@administrator
def settings_of_sections(on: Patient) -> None:
    on.opens("/clinique/reglages/sections")


@administrator
def settings_of_mails(on: Patient) -> None:
    on.opens("/clinique/reglages/courriels")


@administrator
def settings_of_accounts(on: Patient) -> None:
    on.opens("/clinique/reglages/comptes")


@administrator
def settings_changed_meanwhile(on: Patient) -> None:
    on.opens("/clinique/reglages/sessions")
    on.portal.change("UPDATE clinic SET version = version + 1, idle_minutes = 25")
    on.page.locator("#patients").fill("30")
    on.presses("Enregistrer")
    on.reads("Enregistré entre-temps :")


@administrator
def settings_of_consent_concerning_someone(on: Patient) -> None:
    on.opens("/clinique/reglages/consentement")
    on.page.locator("#age").fill("13")
    on.page.locator("#source").fill("Politique de la clinique")
    on.presses("Enregistrer")
    on.is_warned("Ce changement touche des personnes dès l’enregistrement :")


@administrator
def settings_history(on: Patient) -> None:
    on.opens("/clinique/reglages/historique")


@administrator
def offered_types(on: Patient) -> None:
    on.portal.change("UPDATE visit_type SET minutes = 60 WHERE position = 0")
    on.opens("/clinique/reglages/types")


@administrator
def offered_type_refused(on: Patient) -> None:
    on.opens("/clinique/reglages/types/nouveau")
    on.presses("Ajouter")
    on.is_warned("Inscrivez une durée de 5 à 240 minutes.")


@administrator
def offered_practitioners(on: Patient) -> None:
    on.portal.change("UPDATE practitioner SET ended_at = ? WHERE last_name = 'Roy'", NOW)
    on.opens("/clinique/reglages/intervenants")
    on.page.get_by_role("main").locator("summary").click()


@administrator
def offered_practitioner_still_needed(on: Patient) -> None:
    id = on.portal.value("SELECT id FROM practitioner WHERE last_name = 'Roy'")
    on.opens(f"/clinique/reglages/intervenants/{id}")
    on.presses("Ne plus proposer")
    on.sees("Ne plus proposer")


@administrator
def published_texts(on: Patient) -> None:
    on.opens("/clinique/reglages/textes")


@administrator
def published_text_previewed(on: Patient) -> None:
    on.opens("/clinique/reglages/textes/conditions")
    on.presses("Prévisualiser")
    on.reads("Aperçu : rien n’est encore publié.")


@administrator
def journal_searched(on: Patient) -> None:
    on.opens("/clinique/journal?patient=milner")


@administrator
def journal_refused(on: Patient) -> None:
    on.opens("/clinique/journal/export")


@secretary
def journal_of_a_patient(on: Patient) -> None:
    id = on.portal.value("SELECT id FROM patient WHERE first_name = 'Heather'")
    on.opens(f"/clinique/patients/{id}/journal")


@administrator
def incidents(on: Patient) -> None:
    on.opens("/clinique/incidents")


@administrator
def incident_refused(on: Patient) -> None:
    on.opens("/clinique/incidents/nouveau")
    on.presses("Inscrire au registre")
    on.is_warned("Remplissez ce champ : la loi le demande.")


@secretary
def access_of_a_child(on: Patient) -> None:
    on.opens(accesses(on.portal, "Nathan"))


@secretary
def access_lost_at_the_age_of_consent(on: Patient) -> None:
    on.opens(accesses(on.portal, "Hugo"))


@secretary
def access_of_who_has_an_account(on: Patient) -> None:
    on.opens(accesses(on.portal, "Heather"))


@secretary
def access_blocked(on: Patient) -> None:
    on.opens(accesses(on.portal, "Noah"))


@secretary
def access_to_give(on: Patient) -> None:
    on.opens(accesses(on.portal, "Heather", "/nouveau?q=roy"))


@secretary
def access_to_nobody(on: Patient) -> None:
    on.opens(accesses(on.portal, "Heather", "/nouveau?q=personne@example.com"))


@secretary
def access_given_to_an_adult_refused(on: Patient) -> None:
    access_to_give(on)
    on.page.get_by_role("link", name=re.compile("Camille")).click()
    on.presses("Donner l’accès")


@secretary
def access_to_change(on: Patient) -> None:
    on.opens(accesses(on.portal, "Hugo", f"/{grant(on.portal, 'Hugo')}"))


@secretary
def access_changed_meanwhile(on: Patient) -> None:
    on.opens(accesses(on.portal, "Nathan", f"/{grant(on.portal, 'Nathan')}"))
    on.portal.change("UPDATE proxy_grant SET may_book = false")
    on.page.locator("#factures").uncheck()
    on.presses("Enregistrer")


@secretary
def access_to_withdraw(on: Patient) -> None:
    on.opens(accesses(on.portal, "Nathan", f"/{grant(on.portal, 'Nathan')}/retrait"))


@secretary
def access_to_block_refused(on: Patient) -> None:
    on.opens(accesses(on.portal, "Nathan", "/blocage"))
    on.presses("Bloquer l’accès")


@secretary
def block_to_lift(on: Patient) -> None:
    access_blocked(on)
    on.presses("Lever le blocage")


@secretary
def coming_of_age(on: Patient) -> None:
    on.opens("/clinique/majorite")


@secretary
def coming_of_age_not_set(on: Patient) -> None:
    on.portal.change("UPDATE clinic SET province = 'ON', consent_age = NULL")
    coming_of_age(on)


@secretary
def requests_waiting(on: Patient) -> None:
    on.opens("/clinique/demandes")


@secretary
def requests_handled_none(on: Patient) -> None:
    on.opens("/clinique/demandes?etat=traitees")


@secretary
def request_to_act_for_someone(on: Patient) -> None:
    on.opens(f"{request(on.portal, 'attach')}?q=arsenault")


@secretary
def request_of_who_is_kept_out(on: Patient) -> None:
    on.portal.change(
        "UPDATE access_block SET account = (SELECT account FROM clinic_request"
        " WHERE kind = 'correct')"
    )
    on.opens(request(on.portal, "correct"))


@secretary
def request_refused(on: Patient) -> None:
    on.opens(request(on.portal, "cannot_come"))
    on.presses("Terminer la demande")


@secretary
def request_handled(on: Patient) -> None:
    request_refused(on)
    on.page.locator("[name=suite]").first.check()
    on.presses("Terminer la demande")
    on.reads("La demande est traitée." if on.device.language == "fr" else "dealt with")
    on.opens(request(on.portal, "cannot_come"))


@heather
def cannot_come(on: Patient) -> None:
    on.opens(f"{profile(on.portal)}/rendez-vous/{on.portal.coming(TO_CONFIRM)}/absence")


@heather
def cannot_come_refused(on: Patient) -> None:
    cannot_come(on)
    on.page.locator("#texte").fill("x" * 501)
    on.presses("Prévenir la clinique")


@heather
def cannot_come_told(on: Patient) -> None:
    cannot_come(on)
    on.presses("Prévenir la clinique")


@secretary
def patients_to_find(on: Patient) -> None:
    on.opens(charts.PATIENTS)


@secretary
def patients_found(on: Patient) -> None:
    on.opens(f"{charts.PATIENTS}?q=ro")


@secretary
def patients_not_found(on: Patient) -> None:
    on.opens(f"{charts.PATIENTS}?q=zzz")


@secretary
def new_patient(on: Patient) -> None:
    on.opens(f"{charts.PATIENTS}/nouveau")


@secretary
def new_patient_refused(on: Patient) -> None:
    new_patient(on)
    on.page.locator("#telephone").fill("12")
    on.presses("Créer le dossier")
    on.is_warned("Inscrivez le prénom.")


@secretary
def new_patient_like_another(on: Patient) -> None:
    new_patient(on)
    typed = {"prenom": "Heather", "nom": "Milner", "naissance_annee": "1989"}
    for name, text in (typed | {"naissance_mois": "4", "naissance_jour": "27"}).items():
        on.page.locator(f"#{name}").fill(text)
    on.presses("Créer le dossier")
    on.is_warned("Est-ce la même personne ?")


@secretary
def patients_record(on: Patient) -> None:
    on.opens(charts.chart(on))


@secretary
def patients_record_with_a_late_invitation(on: Patient) -> None:
    on.opens(charts.chart(on, "Réjean Gauthier"))


@secretary
def patients_record_of_a_child(on: Patient) -> None:
    on.opens(charts.chart(on, "Nathan Milner"))


@secretary
def patients_record_with_a_dead_address(on: Patient) -> None:
    on.portal.change("UPDATE account SET undeliverable_at = ?", NOW)
    patients_record(on)


@secretary
def patient_to_correct(on: Patient) -> None:
    on.opens(charts.chart(on, page="/modification"))


@secretary
def patient_corrected_meanwhile(on: Patient) -> None:
    patient_to_correct(on)
    on.portal.change("UPDATE patient SET version = 2, first_name = 'Heather Ann'")
    on.presses("Enregistrer")
    on.is_warned("Ce dossier a changé pendant que vous l’aviez ouvert.")


@secretary
def patient_to_invite(on: Patient) -> None:
    on.opens(charts.chart(on, "Denis Ouellet", "/invitation"))


@secretary
def patient_to_invite_refused(on: Patient) -> None:
    patient_to_invite(on)
    on.presses("Inviter")
    on.is_warned("Inscrivez l’adresse courriel du patient.")


@secretary
def patient_too_young_to_invite(on: Patient) -> None:
    on.opens(charts.chart(on, "Nathan Milner", "/invitation"))


@secretary
def patient_invited(on: Patient) -> None:
    charts.invites(on, invited.DENIS)


@secretary
def patient_invited_with_a_proxys_phone(on: Patient) -> None:
    on.opens(charts.chart(on, "Hugo Levesque", "/invitation"))
    on.page.locator("#courriel").fill("levesque.hugo@example.com")
    on.presses("Inviter")
    on.is_warned(
        "est celui d’une personne qui agit pour lui."
        if on.device.language == "fr"
        else "someone who acts for them."
    )


@secretary
def patients_account(on: Patient) -> None:
    on.opens(charts.chart(on, page="/compte"))


@secretary
def patients_account_disabled(on: Patient) -> None:
    patients_account(on)
    on.presses("Désactiver le compte")


@secretary
def patients_new_address(on: Patient) -> None:
    on.opens(charts.chart(on, page="/compte/courriel"))


@secretary
def patients_new_address_refused(on: Patient) -> None:
    patients_new_address(on)
    on.presses("Préparer le changement")
    on.is_warned("Saisissez la nouvelle adresse courriel.")


@secretary
def patients_new_address_prepared(on: Patient) -> None:
    patients_new_address(on)
    on.page.locator("#courriel").fill("heather@nouvelle.example")
    on.page.get_by_role("checkbox").check()
    on.presses("Préparer le changement")
    on.reads("Code à donner au patient")


@secretary
def newcomers_waiting(on: Patient) -> None:
    on.opens(charts.MATCHING)


@secretary
def no_newcomers(on: Patient) -> None:
    on.portal.change("DELETE FROM registration")
    newcomers_waiting(on)


@secretary
def newcomer_compared(on: Patient) -> None:
    on.opens(charts.newcomer(on, charts.AMBIGUOUS))


@secretary
def newcomer_not_verified(on: Patient) -> None:
    newcomer_compared(on)
    on.page.locator(".match form").nth(1).get_by_role("button").click()
    on.reads("Vérifiez l’identité de la personne, puis cochez cette case.")


@secretary
def invitation_to_an_address_with_another_chart(on: Patient) -> None:
    on.opens(charts.chart(on, "Denis Ouellet", "/invitation"))
    on.page.locator("#courriel").fill("milner.heather@example.com")
    on.presses("Inviter")
    on.page.locator("#courriel-error").wait_for()


@secretary
def newcomer_to_decline(on: Patient) -> None:
    on.opens(charts.newcomer(on, page="/refus"))


@secretary
def newcomer_declined(on: Patient) -> None:
    newcomer_to_decline(on)
    on.presses("Refuser la demande")


@secretary
def newcomer_matched_already(on: Patient) -> None:
    url = charts.newcomer(on)
    on.opens(url)
    on.presses("Relier à ce dossier")
    on.reads("Le compte est relié à ce dossier. La personne en est avertie par courriel.")
    on.opens(url)


# Visits, on the clinic's side


def desk_visit(on: Patient, visit: Coming, path: str = "") -> None:
    on.opens(f"/clinique/rendez-vous/{on.portal.coming(visit)}{path}")


@secretary
def appointment_open(on: Patient) -> None:
    desk_visit(on, TO_DECIDE)


@practitioner
def appointment_of_the_practitioner(on: Patient) -> None:
    on.opens("/clinique")
    on.main.get_by_role("rowheader").get_by_role("link").first.click()


@secretary
def appointment_to_cancel(on: Patient) -> None:
    desk_visit(on, TO_CANCEL, "/annulation")


@secretary
def appointment_not_cancelled(on: Patient) -> None:
    appointment_to_cancel(on)
    on.page.locator("#mot").fill("a" * 301)
    on.presses(CANCEL)
    on.is_warned("Ce mot est trop long : 300 caractères au maximum.")


@secretary
def appointment_cancelled_by_the_clinic(on: Patient) -> None:
    appointment_to_cancel(on)
    on.presses(CANCEL)
    on.reads("Le rendez-vous est annulé.")


@secretary
def appointment_moved_meanwhile(on: Patient) -> None:
    appointment_to_cancel(on)
    on.portal.change("UPDATE appointment SET version = version + 1")
    on.presses(CANCEL)
    on.is_warned("Rien n’a été écrasé : comparez, puis enregistrez de nouveau.")


@secretary
def appointment_missed(on: Patient) -> None:
    on.opens("/clinique?jour=2026-11-23")
    on.main.get_by_role("rowheader").get_by_role("link").first.click()
    on.presses("Noter l’absence")
    on.reads("L’absence est notée.")


@secretary
def appointment_to_move(on: Patient) -> None:
    desk_visit(on, TO_CANCEL, "/deplacement")


@secretary
def appointment_to_move_to(on: Patient) -> None:
    appointment_to_move(on)
    on.slots().first.click()
    on.reads("Nouveau moment")


def at_the_desk(on: Patient, path: str = "", of: str = "Heather") -> None:
    id = profile(on.portal, of).rpartition("/")[2]
    on.opens(f"/clinique/patients/{id}/rendez-vous{path}")


@secretary
def visits_of_a_patient(on: Patient) -> None:
    at_the_desk(on)


@secretary
def time_to_choose(on: Patient) -> None:
    at_the_desk(on, "/nouveau")


@secretary
def time_to_choose_in_vain(on: Patient) -> None:
    on.portal.change("UPDATE slot SET withdrawn_at = ?", MIDNIGHT)
    at_the_desk(on, "/nouveau")


@secretary
def time_to_book(on: Patient) -> None:
    time_to_choose(on)
    on.slots().first.click()
    on.reads("milner.heather@example.com")


@secretary
def time_taken(on: Patient) -> None:
    time_to_book(on)
    on.portal.change("UPDATE slot SET withdrawn_at = ?", MIDNIGHT)
    on.presses("Réserver")
    on.is_warned("Ce créneau n’est pas offert pour ce rendez-vous.")


@secretary
def free_time_to_book(on: Patient) -> None:
    on.opens("/clinique")
    on.main.locator("a.slot-chip").first.click()


@secretary
def free_time_for_whom(on: Patient) -> None:
    free_time_to_book(on)
    on.page.get_by_role("searchbox").fill("milner")
    on.page.keyboard.press("Enter")
    on.reads("Heather Milner")


@secretary
def day_with_whom_to_call(on: Patient) -> None:
    appointment_cancelled_by_the_clinic(on)
    on.portal.change("DELETE FROM outbound_email")
    on.opens("/clinique")
    on.main.get_by_role("button", name="Message laissé").first.click()
    on.reads("À prévenir par téléphone")


@secretary
def day_without_anything(on: Patient) -> None:
    on.opens("/clinique?jour=2026-11-22")


MIDNIGHT = "2026-11-24 05:00:00+00:00"
NOW = "2026-11-24 14:30:00+00:00"


def mailed(on: Patient, words: str) -> str:
    """The button of the mail about the visit that may be both confirmed and cancelled."""
    links = [mail.links() for mail in on.portal.mails()]
    return next(each[words] for each in links if CONFIRM in each and CANCEL in each)


def unfold_all(on: Patient) -> None:
    on.page.evaluate(
        "() => document.querySelectorAll('details.visit').forEach("
        "(visit) => { visit.open = true; })"
    )
    assert on.portal.coming(TO_DECIDE)
