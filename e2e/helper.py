"""Camille, whom the clinic lets act for Heather, with Heather's consent."""

from uuid import UUID

from domain.accounts import access
from domain.accounts.access import Consent
from domain.audit import Actor
from domain.demo.data.people import CAMILLE
from domain.people.policy import Grant
from e2e.portal import Portal


def acts_for_heather(portal: Portal, *grants: Grant) -> str:
    """The access's id."""
    account = portal.value("SELECT id FROM account WHERE email = ?", CAMILLE.email)
    heather = portal.value("SELECT id FROM patient WHERE first_name = 'Heather'")
    given = access.grant(
        Actor("staff", None, "e2e"),
        UUID(account),
        UUID(heather),
        relationship="caregiver",
        grants=set(grants) or {Grant.BOOK, Grant.READ_DOCUMENTS},
        by="accueil",
        consent=Consent("accueil", "spoken"),
        now=portal.clock(),
    )
    return str(portal.run(given))
