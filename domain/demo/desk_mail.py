"""What the desk has to show of writing: texts used again, and mails that did not arrive."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from domain.clinic.tables import TextTemplate
from domain.demo.communications import BY, spaced
from domain.demo.rows import insert
from domain.mail.tables import OutboundEmail

HOUR = timedelta(hours=1)
TEXTS = (
    (
        "Résultats disponibles",
        "fr",
        "Vos résultats",
        "Bonjour {prénom},\n\nVos résultats sont arrivés : vous les trouverez ci-joints."
        "\n\nBonne journée.",
    ),
    (
        "Rappel de jeûne",
        "fr",
        "Avant votre prise de sang",
        "Bonjour {prénom},\n\nNe mangez rien dans les 12 heures qui précèdent la prise de sang."
        " Vous pouvez boire de l’eau.",
    ),
    (
        "Results are in",
        "en",
        "Your results",
        "Hello {prénom},\n\nYour results are in: you will find them attached.\n\nHave a good day.",
    ),
)
REFUSED = (
    # how long ago, the kind, and what the server said
    (3, "appointment_confirmable", "SMTPRecipientRefused (550, '5.1.1 no such user')"),
    (26, "document_received", "SMTPRecipientRefused (552, '5.2.2 mailbox full')"),
)


async def create(account: UUID, *, now: datetime) -> None:
    """The mails were owed to this account, about its own chart."""
    await insert([_dead(account, *each, now) for each in REFUSED])
    await insert(
        [
            TextTemplate(
                id=uuid4(),
                name=name,
                language=language,
                subject=subject,
                body=spaced(body) if language == "fr" else body,
                changed_at=now - 900 * HOUR,
                changed_by=BY,
            )
            for name, language, subject, body in TEXTS
        ]
    )


def _dead(account: UUID, hours: int, kind: str, said: str, now: datetime) -> OutboundEmail:
    at = now - hours * HOUR
    return OutboundEmail(
        id=uuid4(),
        kind=kind,
        account=account,
        created_at=at - HOUR,
        due_at=at,
        tries=1,
        dead_at=at,
        last_error=said,
    )
