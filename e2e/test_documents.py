"""A PDF that the clinic sent: opened in a tab of its own, kept, and only by who may."""

from playwright.sync_api import expect

from domain.demo.data.people import CAMILLE
from e2e import papers
from e2e.browsing import Device
from e2e.conftest import Open
from e2e.patient import Patient
from e2e.portal import Portal


def test_a_document_opens_in_another_tab_and_the_page_stays(
    heather: Patient, portal: Portal
) -> None:
    paper = papers.arrives(portal)
    heather.opens(paper.thread)
    heather.sees(papers.SUBJECT)
    link = heather.page.get_by_role("link", name=papers.TITLE).first
    expect(link).to_have_attribute("href", paper.file)

    # This browser has no viewer, and keeps what others show: the tab is there all the same.
    with heather.page.context.expect_page() as tab:
        link.click()
    assert tab.value is not heather.page

    heather.sees(papers.SUBJECT)
    shown = heather.page.request.get(paper.file)
    assert (shown.status, shown.body()) == (200, papers.CONTENT)
    assert shown.headers["content-type"] == "application/pdf"
    assert shown.headers["content-disposition"].startswith("inline;")
    assert was_opened(portal, paper)


def test_a_document_is_kept_under_its_readable_name(heather: Patient, portal: Portal) -> None:
    paper = papers.arrives(portal)
    heather.opens(paper.thread)
    with heather.page.expect_download() as kept:
        heather.presses(f"Télécharger {papers.TITLE}")
    assert kept.value.suggested_filename == papers.FILE_NAME
    assert kept.value.path().read_bytes() == papers.CONTENT


def test_a_documents_address_asks_to_sign_in_and_leads_back(
    stranger: Patient, portal: Portal
) -> None:
    paper = papers.arrives(portal)
    stranger.opens(paper.file + "/telechargement")
    with stranger.page.expect_download() as kept:
        stranger.fills_in_the_sign_in_form()
    assert kept.value.suggested_filename == papers.FILE_NAME


def test_a_document_that_is_damaged_is_a_page_with_the_clinics_number(
    heather: Patient, portal: Portal
) -> None:
    paper = papers.arrives(portal)
    papers.is_damaged(portal, paper)
    heather.opens(paper.file)
    heather.sees("Document indisponible")
    heather.reads("Ce document n’est pas disponible pour le moment.")
    expect(heather.main.get_by_role("link", name="514").first).to_be_visible()


def test_another_persons_document_does_not_exist(
    open_browser: Open, device: Device, portal: Portal
) -> None:
    paper = papers.arrives(portal)
    camille = open_browser(device)
    camille.signs_in(CAMILLE.email)
    camille.opens(paper.file)
    camille.sees("Page introuvable")
    assert not was_opened(portal, paper)


def was_opened(portal: Portal, paper: papers.Paper) -> bool:
    sql = "SELECT count(*) FROM audit_line WHERE action = 'read.attachment' AND subject = ?"
    return bool(portal.value(sql, paper.file.rpartition("/")[2]))
