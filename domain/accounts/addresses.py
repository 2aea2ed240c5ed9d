import re
import unicodedata

LONGEST = 254
HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
LOCAL = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)


def canonical(email: str) -> str:
    """The form in which two spellings of one address are equal; unusable text gives ''.

    Letters that only look like ASCII ones (Kelvin sign, full-width) make it unusable, and it is
    lowered rather than folded (ß is not ss): no look-alike may reach another account.
    """
    local, at, host = email.strip().rpartition("@")
    is_usable = local and at and host and local.isprintable()
    if not is_usable or any(_looks_like_ascii(letter) for letter in local):
        return ""
    try:
        host = host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""
    if HOST.fullmatch(host) is None:
        return ""
    address = f"{unicodedata.normalize('NFC', local).lower()}@{host}"
    return address if max(len(address), len(email)) <= LONGEST else ""


def sendable(email: str) -> str:
    """The address as a mail can be sent to it; '' for what no server takes, or takes for another.

    A comment or quotes in it would lead to someone else's mailbox.
    """
    local, _, host = email.strip().rpartition("@")
    if not canonical(email) or LOCAL.fullmatch(local) is None:
        return ""
    return f"{local}@{host if host.isascii() else host.encode('idna').decode('ascii')}"


def _looks_like_ascii(letter: str) -> bool:
    return not letter.isascii() and unicodedata.normalize("NFKC", letter).isascii()
