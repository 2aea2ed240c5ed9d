from tests.web.browser import Browser
from tests.web.test_guide import guides, said


async def test_staff_have_a_guide_of_their_own(dana: Browser) -> None:
    links = guides(await dana.get("/clinique"))
    words = said("guide-personnel.pdf", "Téléchargez le guide du personnel", "fr")
    assert [link.text for link in links] == [words, words]
    assert {link.attrs["title"] for link in links} == {"Téléchargez le guide du personnel"}
    assert (await dana.get(links[0].attrs["href"])).content.startswith(b"%PDF-")
