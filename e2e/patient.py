"""Someone with a browser: what a patient does and sees, in the portal's words."""

import re
from collections.abc import Sequence

from playwright.sync_api import Locator, Page, expect

from domain.demo.data.people import HEATHER, PASSWORD
from e2e.addresses import step
from e2e.browsing import Device, Inspector
from e2e.portal import Portal
from web.rendering import translations

UNBROKEN = re.compile(r" (?=[?:!;»])|(?<=«) ")


class Patient:
    def __init__(self, page: Page, portal: Portal, device: Device, inspector: Inspector) -> None:
        self.page = page
        self.portal = portal
        self.device = device
        self._inspector = inspector
        self._words = translations(device.language)

    def says(self, french: str) -> str:
        """In the language of this story."""
        return self._words.gettext(UNBROKEN.sub("\u00a0", french))

    # Going about

    def opens(self, path: str) -> None:
        self.page.goto(path)

    def signs_in(self, email: str = HEATHER.email) -> None:
        self.opens("/connexion")
        if self.device.language == "en":
            self.presses("English")
        self.fills_in_the_sign_in_form(email)
        self.sees("Tableau de bord")

    def signs_in_at_once(self, email: str) -> None:
        """Without the form."""
        self._sets_cookie("session", self.portal.begin_session(email))
        self._sets_cookie("known", self.portal.sign_known(email))

    def works_as(self, email: str) -> None:
        """Signed in on the clinic's side, without the form."""
        self._sets_cookie("staff", self.portal.begin_work(email))

    def has_chosen_the_language(self) -> None:
        self._sets_cookie("language", self.device.language)

    def _sets_cookie(self, name: str, value: str) -> None:
        self.page.context.add_cookies(
            [
                {
                    "name": name,
                    "value": value,
                    "url": self.portal.url,
                    "httpOnly": True,
                    "sameSite": "Lax",
                }
            ]
        )

    def fills_in_the_sign_in_form(self, email: str = HEATHER.email) -> None:
        self.sees("Connexion")
        self.page.get_by_label(self.says("Courriel")).fill(email)
        self.page.get_by_label(self.says("Mot de passe")).fill(PASSWORD)
        self.presses("Connexion")

    def signs_out(self) -> None:
        if self.device.is_phone:
            self.page.get_by_text("Menu", exact=True).click()
        self.presses("Déconnexion")

    def presses(self, french: str) -> None:
        self.control(french).click()

    def chooses(self, name: str) -> None:
        """One of the answers of a step."""
        words = self.page.get_by_text(self.says(name), exact=True)
        self.main.get_by_role("listitem").get_by_role("link").filter(has=words).click()

    def answers(self, french: str) -> None:
        self.page.get_by_role("radio", name=self.says(french)).check()

    # Seeing

    @property
    def main(self) -> Locator:
        return self.page.get_by_role("main")

    def sees(self, heading: str) -> None:
        """A page of that name; and whatever it is, nothing is wrong with it."""
        title = self.page.get_by_role("heading", level=1, name=self.says(heading), exact=True)
        expect(title).to_be_visible()
        self.looks_around()

    def looks_around(self) -> None:
        self._inspector.look(self.page, self.device)

    def reads(self, french: str) -> None:
        expect(self.main).to_contain_text(self.says(french))

    def does_not_read(self, french: str) -> None:
        expect(self.main).not_to_contain_text(self.says(french))

    def is_warned(self, french: str) -> None:
        expect(self.page.get_by_role("alert")).to_contain_text(self.says(french))
        self.looks_around()

    def control(self, french: str) -> Locator:
        name = self.says(french)
        link = self.page.get_by_role("link", name=name, exact=True)
        return link.or_(self.page.get_by_role("button", name=name, exact=True)).first

    # Visits

    def goes_to_the_visits(self) -> None:
        navigation = self.page.get_by_role("navigation")
        navigation.get_by_role("link", name=self.says("Rendez-vous"), exact=True).click()
        self.sees("Rendez-vous")

    def visit(self, appointment: str) -> Locator:
        return self.page.get_by_role("group").and_(self.page.locator(f"#rdv-{appointment}"))

    def unfolds(self, appointment: str) -> Locator:
        visit = self.visit(appointment)
        visit.locator("summary").click()
        expect(visit).to_have_attribute("open", "")
        self.looks_around()
        return visit

    def activity(self) -> Locator:
        return self.page.get_by_role("complementary", name=self.says("Activité"))

    # Booking

    def begins_booking(self) -> None:
        self.presses("Prendre un rendez-vous")
        self.sees("Choisissez la spécialité")

    def chooses_the_offer(self, practitioner: str = "Dre Isabelle Roy") -> None:
        """From the specialty up to the moment."""
        self.chooses(self.says_of_the_clinic("Médecine de famille", "Family medicine"))
        self.sees("Choisissez l’intervenant")
        self.chooses(practitioner)
        self.sees("Choisissez le lieu")
        self.chooses("Clinique des Érables – Rosemont")
        self.sees("Choisissez le type de rendez-vous")
        self.chooses(self.says_of_the_clinic("Suivi médical", "Follow-up visit"))
        self.sees("Quand souhaitez-vous venir ?")

    def says_of_the_clinic(self, french: str, english: str) -> str:
        return english if self.device.language == "en" else french

    def goes_on_to_the_slots(self, reason: str = "") -> None:
        if reason:
            self.page.get_by_role("textbox", name=re.compile("Raison|Reason")).fill(reason)
        self.presses("Continuer")
        self.sees("Sélectionnez votre créneau horaire")

    def goes_to_the_slots(self, reason: str = "", *, of: str = "Heather") -> None:
        """With all the steps answered, as by a bookmark: the way there is another story."""
        asked = {"motif": reason} if reason else {}
        self.opens(step(self.portal, "creneau", of=of, **asked))
        self.sees("Sélectionnez votre créneau horaire")

    def slots(self) -> Locator:
        return self.main.get_by_role("button", name=re.compile(r"^\d\d:\d\d "))

    def slot(self, id: str) -> Locator:
        return self.slots().and_(self.page.locator(f'[value="{id}"]'))

    def picks_a_slot(self, place: int = 1) -> str:
        """Its id. Not the very first, which may soon be too near to be booked."""
        slot = self.slots().nth(place)
        id = str(slot.get_attribute("value"))
        slot.click()
        self.sees("Confirmez le rendez-vous")
        return id

    def books(self) -> None:
        self.presses("Confirmer le rendez-vous")
        self.sees("Votre rendez-vous est pris")

    def crumbs(self) -> Sequence[str]:
        steps = self.page.get_by_role("navigation", name=self.says("Étapes"))
        return steps.get_by_role("link").all_text_contents()
