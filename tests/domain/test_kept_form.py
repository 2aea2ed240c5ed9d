"""R35: a form is kept whole where it fits in a cookie, and each of its values without its end."""

from random import Random
from uuid import uuid4

import pytest

from domain.accounts import kept_form
from domain.accounts.kept_form import KEPT, LARGEST, KeptForm
from domain.accounts.secret_box import SecretBox
from tests.world import NOW

BOX = SecretBox(["k" * 32])


def form(**fields: str) -> KeptForm:
    return KeptForm(uuid4(), "/compte/demande?a=é", fields, had_files=True)


def test_what_fits_is_there_again_for_its_writer_alone_and_not_for_long() -> None:
    kept = form(texte="Bonjour,\n« 😀 »\x00\r\n", sujet="", note='"}]')
    sealed = kept_form.seal(kept, BOX, now=NOW)
    assert sealed is not None
    author, page = kept.author, kept.page
    assert kept_form.unseal(author, page, sealed, BOX, now=NOW) == kept
    assert kept_form.unseal(uuid4(), page, sealed, BOX, now=NOW) is None
    assert kept_form.unseal(author, f"{page}&b=1", sealed, BOX, now=NOW) is None
    assert kept_form.unseal(author, page, sealed, BOX, now=NOW + KEPT * 1.1) is None
    assert kept_form.unseal(author, page, f"A{sealed[1:]}", BOX, now=NOW) is None


def test_an_address_longer_than_a_cookie_takes_no_room_in_it() -> None:
    kept = KeptForm(uuid4(), f"/clinique?a={noise(5_000)}", {"texte": "Bonjour. " * 300})
    sealed = kept_form.seal(kept, BOX, now=NOW)
    assert sealed is not None
    assert kept_form.unseal(kept.author, kept.page, sealed, BOX, now=NOW) == kept


@pytest.mark.parametrize("letters", ["\x01\x02\x03\x04", "ab", "\U0001f300\u4e00\x1f"])
def test_what_does_not_loses_the_end_of_each_value_in_a_few_steps(
    letters: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A31: the work is bounded whatever was sent, for nobody has signed in yet."""
    sizes: list[int] = []
    pack = kept_form._packed

    def counting(kept: KeptForm, length: int) -> bytes:
        sizes.append(sum(len(value[:length]) for value in kept.fields.values()))
        return pack(kept, length)

    monkeypatch.setattr(kept_form, "_packed", counting)
    noise = "".join(Random(1).choices(letters, k=90_000))
    kept = form(texte=noise, mesures=noise[::-1], court="Oui.")
    sealed = kept_form.seal(kept, BOX, now=NOW)
    assert sealed is not None
    assert len(sealed) <= LARGEST
    found = kept_form.unseal(kept.author, kept.page, sealed, BOX, now=NOW)
    assert found is not None
    assert found.was_cut
    assert found.fields["court"] == "Oui."
    for name, value in kept.fields.items():
        assert value.startswith(found.fields[name])
    assert len(found.fields["texte"]) > 200
    assert (len(sizes) <= 16, max(sizes) <= 12_000) == (True, True)


def test_what_no_cutting_makes_small_is_not_kept() -> None:
    too_many = form(**{f"champ{n}": "x" for n in range(200)})
    long_names = KeptForm(uuid4(), "/", {noise(1_001): ""})
    assert kept_form.seal(too_many, BOX, now=NOW) is None
    assert kept_form.seal(long_names, BOX, now=NOW) is None


def noise(length: int) -> str:
    return "".join(Random(2).choices([chr(n) for n in range(0x4E00, 0x9000)], k=length))
