"""Every page and state of the portal that a patient can meet, and the way to it."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import expect

from domain.accounts import throttles
from domain.demo.data.people import CAMILLE, HEATHER, LEA
from domain.demo.data.visits import CONFIRMED, TO_CANCEL, TO_DECIDE
from e2e.addresses import profile, step
from e2e.patient import Patient

Way = Callable[[Patient], None]

CONFIRM, CANCEL = "Confirmer le rendez-vous", "Annuler le rendez-vous"


@dataclass(frozen=True)
class State:
    reach: Way
    email: str | None
    """Who is signed in."""

    def __str__(self) -> str:
        return self.reach.__name__


STATES: list[State] = []


def met_by(email: str | None) -> Callable[[Way], Way]:
    def add(reach: Way) -> Way:
        STATES.append(State(reach, email))
        return reach

    return add


stranger, heather, camille, lea = (
    met_by(None),
    met_by(HEATHER.email),
    met_by(CAMILLE.email),
    met_by(LEA.email),
)


# Signed out


@stranger
def sign_in(on: Patient) -> None:
    on.opens("/connexion")


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
def dead_link(on: Patient) -> None:
    on.opens("/courriel/confirmation/altered")


@stranger
def demo_mailbox(on: Patient) -> None:
    on.opens("/courriels")


@stranger
def demo_mail(on: Patient) -> None:
    demo_mailbox(on)
    on.main.get_by_role("listitem").get_by_role("link").first.click()


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
    on.opens(f"{profile(on.portal)}/rendez-vous?avant=2026-01-01T00:00:00%2B00:00")


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
    on.picks_a_slot()


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
