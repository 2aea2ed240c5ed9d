import ssl

from domain.config import BadConfiguration, Settings
from jobs.smtp import SmtpMailer, SmtpServer
from jobs.transport import Unreachable
from operations.check.finding import Finding

WHAT_TO_DO = (
    ("CERTIFICATE_VERIFY_FAILED", "name the server as its certificate does, and renew that"),
    ("Authentication", "see to the user and the password in SMTP_URL, percent-encoded"),
    ("STARTTLS", "ask for another server, or use smtps://: mails never leave unencrypted"),
    ("", "see to the host and port in SMTP_URL, and let this machine out to it"),
)


async def finding(settings: Settings, *, tls: ssl.SSLContext | None = None) -> Finding:
    """Connects as the jobs do, signs in, and leaves again: nothing is sent."""
    if settings.smtp_url is None:
        return Finding.unknown("mail server", "none: a demonstration keeps its mails")
    try:
        server = SmtpServer.from_url(settings.smtp_url)
        await SmtpMailer(server, tls).greet()
    except BadConfiguration as problem:
        return Finding.wrong("mail server", str(problem), "correct SMTP_URL")
    except Unreachable as problem:
        advice = next(advice for word, advice in WHAT_TO_DO if word in str(problem))
        return Finding.wrong("mail server", f"{server.host}: {problem}"[:300], advice)
    how = "on this machine" if server.scheme == "smtp+plain" else "encrypted and verified"
    return Finding.well(
        "mail server", f"{server.host}: {how}{', signed in' if server.user else ''}"
    )
