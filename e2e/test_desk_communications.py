"""What the desk sends is read and answered by the patient, and looked after at the desk."""

import re
from pathlib import Path

from playwright.sync_api import expect

from e2e.browsing import DESKTOP, PLAIN_DESKTOP, Device
from e2e.clinic_writes import answers, patient_of
from e2e.conftest import Open
from e2e.desk_doors import application_of, signs_in_where_asked
from e2e.desk_writing import (
    INBOX,
    SUBJECT,
    chooses_a_file,
    fills_the_letter,
    thread_of,
    writing_to,
)
from e2e.patient import Patient
from e2e.portal import Portal
from e2e.staff import PRACTITIONER, SECRETARY, at_work
from tests import pdfs


def test_a_document_is_sent_read_answered_assigned_and_answered(
    heather: Patient, open_browser: Open, portal: Portal, tmp_path: Path
) -> None:
    manon = at_work(open_browser(DESKTOP))
    manon.opens(writing_to(portal))
    manon.sees("Écrire à Heather Milner")
    fills_the_letter(manon, kind="document")
    chooses_a_file(manon, tmp_path)
    manon.page.locator("#reponse").check()
    manon.presses("Envoyer")
    manon.sees(SUBJECT)
    manon.reads("La communication est envoyée.")
    manon.reads("courriel en attente d’envoi")

    portal.clock.advance(minutes=1)
    (mail,) = portal.run_jobs()
    assert mail.subject == "Vous avez un nouveau document"
    heather.opens(mail.links()["Consulter le document"])
    heather.sees(SUBJECT)
    heather.reads("Bonjour Heather, voici.")
    link = heather.main.get_by_role("link", name=re.compile("Bilan d’avril")).first
    file = heather.page.context.request.get(portal.url + str(link.get_attribute("href")))
    assert file.body() == pdfs.good("Bilan", pages=2)
    portal.clock.advance(minutes=1)
    heather.presses("Répondre")
    answers(heather, "Merci, que dois-je faire ensuite ?")
    heather.reads("Votre réponse a été envoyée.")

    portal.clock.advance(minutes=1)
    manon.opens(INBOX)
    manon.sees("Communications")
    manon.main.get_by_role("link", name=re.compile(SUBJECT)).click()
    manon.sees(SUBJECT)
    manon.reads("Merci, que dois-je faire ensuite ?")
    manon.reads("lu le 24 nov. 2026 à 09:31")
    manon.page.locator("#a").select_option(label="Dre Isabelle Roy")
    manon.presses("Confier")
    manon.reads("Confié à Dre Isabelle Roy")

    roy = at_work(open_browser(DESKTOP), PRACTITIONER)
    roy.opens(INBOX)
    roy.main.get_by_role("link", name=re.compile(SUBJECT)).click()
    roy.sees(SUBJECT)
    roy.page.locator("#texte").fill("Rien de plus : tout va bien.")
    roy.presses("Envoyer")
    roy.reads("Votre réponse est envoyée.")

    heather.opens(mail.links()["Consulter le document"])
    heather.reads("Rien de plus : tout va bien.")
    heather.reads("Traité")
    heather.looks_around()


def test_a_closed_thread_takes_no_reply(
    heather: Patient, open_browser: Open, portal: Portal
) -> None:
    manon = at_work(open_browser(DESKTOP))
    manon.opens(writing_to(portal))
    fills_the_letter(manon)
    manon.page.locator("#reponse").check()
    manon.presses("Envoyer")
    manon.sees(SUBJECT)

    portal.clock.advance(minutes=1)
    thread = thread_of(portal, SUBJECT).rpartition("/")[2]
    heather.opens(f"/profils/{patient_of(portal, 'Heather')}/communications/{thread}")
    heather.presses("Répondre")
    manon.presses("Fermer")
    manon.reads("Le fil est fermé")
    answers(heather, "Trop tard ?")

    heather.is_warned("Votre réponse n’a pas été envoyée.")
    heather.reads("Trop tard ?")
    heather.reads("La clinique a terminé cet échange.")


def test_a_days_patients_are_told_at_once_without_scripts(
    open_browser: Open, portal: Portal
) -> None:
    tells_a_days_patients(at_work(open_browser(PLAIN_DESKTOP)), portal)


def test_a_text_is_put_in_and_the_letter_kept_when_refused(
    open_browser: Open, portal: Portal
) -> None:
    manon = at_work(open_browser(PLAIN_DESKTOP))
    manon.opens(writing_to(portal, "Nathan"))
    manon.page.locator("#modele").select_option(label="Résultats disponibles")
    manon.presses("Insérer")
    expect(manon.page.locator("#texte")).to_have_value(re.compile("Vos résultats sont arrivés"))
    manon.page.locator("#sujet").fill("")
    manon.presses("Envoyer")
    manon.is_warned("Indiquez le sujet.")
    expect(manon.page.locator("#texte")).to_have_value(re.compile("Vos résultats sont arrivés"))


def test_a_letter_is_there_again_after_a_quarter_of_an_hour_away(
    open_browser: Open, portal: Portal, device: Device, tmp_path: Path
) -> None:
    manon = at_work(open_browser(device))
    manon.page.clock.install()
    manon.opens(f"{writing_to(portal)}&genre=document")
    fills_the_letter(manon, "Bonjour,\nvoici.", kind="document")
    chooses_a_file(manon, tmp_path)
    sent = portal.value("SELECT count(*) FROM message")
    portal.clock.advance(minutes=15, seconds=1)
    manon.page.clock.fast_forward("15:01")
    expect(manon.main).to_be_hidden()

    manon.presses("Se reconnecter")
    signs_in_where_asked(manon, application_of(portal, SECRETARY), SECRETARY.email)
    manon.sees("Écrire à Heather Milner")
    manon.reads("Votre texte a été conservé.")
    expect(manon.page.locator("#sujet")).to_have_value(SUBJECT)
    expect(manon.page.locator("#texte")).to_have_value("Bonjour,\nvoici.")
    manon.reads("Choisissez de nouveau vos fichiers")
    assert portal.value("SELECT count(*) FROM message") == sent


def test_an_answer_is_there_again_after_another_tab_signed_in(
    open_browser: Open, portal: Portal
) -> None:
    manon = at_work(open_browser(DESKTOP))
    manon.page.clock.install()
    place = thread_of(portal, portal.value("SELECT subject FROM thread LIMIT 1"))
    manon.opens(place)
    manon.page.locator("#texte").fill("Bonjour.")
    portal.clock.advance(minutes=15, seconds=1)
    manon.page.clock.fast_forward("15:01")
    expect(manon.main).to_be_hidden()
    manon.works_as(SECRETARY.email)

    manon.presses("Se reconnecter")
    manon.reads("Votre texte a été conservé.")
    expect(manon.page.locator("#texte")).to_have_value("Bonjour.")


def test_a_mail_that_did_not_arrive_is_settled(open_browser: Open, device: Device) -> None:
    manon = at_work(open_browser(device))
    manon.opens("/clinique/courriels")
    manon.sees("Courriels")
    manon.presses("Renvoyer")
    manon.reads("Le courriel sera renvoyé dans un instant.")
    manon.presses("C’est réglé")
    manon.reads("Tous les courriels sont arrivés à bon port")
    manon.looks_around()


def tells_a_days_patients(manon: Patient, portal: Portal) -> None:
    manon.opens(f"{INBOX}/envoi")
    manon.sees("À qui écrire ?")
    day = portal.value(
        """
        SELECT date(ap.starts_at) FROM appointment ap
        JOIN practitioner pr ON pr.id = ap.practitioner
        WHERE pr.last_name = 'Benali' AND ap.cancelled_at IS NULL AND ap.starts_at > '2026-11-26'
          AND time(ap.starts_at) BETWEEN '14:00' AND '20:00'
        GROUP BY 1 HAVING count(DISTINCT ap.patient) > 1 ORDER BY 1 LIMIT 1
        """
    )
    manon.page.locator("#intervenant").select_option(label="Dr Karim Benali")
    manon.page.locator("#jour").fill(day)
    manon.presses("Ajouter ces patients")
    title = manon.main.locator("#choisis").inner_text()
    number = int(title.removesuffix(" patients"))
    manon.presses(f"Écrire à ces {number} patients")
    manon.sees(f"Écrire à {number} patients")
    fills_the_letter(manon, "Bonjour {prénom}, le docteur aura une heure de retard.")
    manon.presses(f"Envoyer aux {number} patients")
    manon.is_warned("Confirmez à combien de patients vous écrivez.")
    manon.page.locator("#certain").check()
    manon.presses(f"Envoyer aux {number} patients")
    manon.reads(f"Envoyé à {number} patients")
    told = portal.rows("SELECT DISTINCT patient FROM thread WHERE subject = ?", SUBJECT)
    assert len(told) == number
