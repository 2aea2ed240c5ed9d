from tests.web.browser import Browser, Clock, alert, heading


async def test_sign_in_leads_to_the_dashboard(alice: Browser) -> None:
    assert heading(await alice.get("/")) == "Tableau de bord"


async def test_wrong_password_says_the_exact_sentence_and_keeps_the_address(
    stranger: Browser,
) -> None:
    answer = await stranger.sign_in(password="Autre-12-Mot")
    assert answer.status_code == 422
    assert (
        "Le courriel ou le mot de passe fourni ne correspond à aucun enregistrement"
        " de notre système." in alert(answer)
    )
    assert 'value="alice@example.com"' in answer.text


async def test_signed_out_goes_to_sign_in_and_back(stranger: Browser, clock: Clock) -> None:
    answer = await stranger.get("/conditions")
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/connexion?suivant=%2Fconditions",
    )
