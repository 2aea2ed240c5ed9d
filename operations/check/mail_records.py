"""R95: what DNS says about who may send the portal's mail (SPF, DKIM, DMARC), read and judged.

It asks a `Lookup` and knows no network: the records come from a file, a resolver or a test.
"""

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from operations.check.finding import Finding

Lookup = Callable[[str, str], list[str]]
"""The records of a name and a kind (TXT, A, AAAA, MX: of that one the host alone)."""
Address = IPv4Address | IPv6Address

MOST_LOOKUPS = 10
"""More, and receivers take the record for broken (RFC 7208)."""
SHORTEST_RSA = 2048
ED25519 = 32
UNSUBSCRIBING = ("list-unsubscribe", "list-unsubscribe-post")
SIGNED_ALWAYS = ("from", "subject", "date", "to", "message-id")
MECHANISM = re.compile(r"([+?~-]?)([a-z0-9]+)(?:[:](.*?))?((?:/\d+)?(?://\d+)?)", re.IGNORECASE)
RESULTS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}


class Broken(Exception):
    """A record that receivers do not understand."""


# SPF


@dataclass
class Spf:
    """Asks for as many names as a receiver would."""

    lookup: Lookup
    asked: int = 0

    def record(self, domain: str) -> str:
        found = [text for text in self.lookup(domain, "TXT") if is_spf(text)]
        if len(found) != 1:
            raise Broken(f"{domain} has {len(found) or 'no'} SPF record{'s' * (len(found) > 1)}")
        return found[0]

    def result(self, domain: str, sender: Address) -> str:
        redirect = ""
        for term in self.record(domain).split()[1:]:
            if term.lower().startswith("redirect="):
                redirect = term.partition("=")[2]
            elif "=" not in term and (answer := self._answer(term, domain, sender)):
                return answer
        if redirect:
            self._count()
            return self.result(redirect, sender)
        return "neutral"

    def _answer(self, term: str, domain: str, sender: Address) -> str:
        found = MECHANISM.fullmatch(term)
        if not found:
            raise Broken(f"{domain} says « {term[:40]} »")
        sign, kind, value, length = found.groups()
        matches = self._matches(kind.lower(), value or "", length, domain, sender)
        return RESULTS[sign or "+"] if matches else ""

    def _matches(self, kind: str, value: str, length: str, domain: str, sender: Address) -> bool:
        if kind == "all":
            return True
        if kind in {"ip4", "ip6"}:
            return _is_in(sender, value, length)
        self._count()
        if kind == "include":
            return self.result(value, sender) == "pass"
        if kind in {"a", "mx"}:
            hosts = [value or domain] if kind == "a" else self.lookup(value or domain, "MX")
            four, _, six = length.removeprefix("/").partition("//")
            own = six if sender.version == 6 else four
            return any(
                _is_in(sender, address, f"/{own}" if own else "")
                for host in hosts
                for address in self.lookup(host, "A" if sender.version == 4 else "AAAA")
            )
        if kind in {"exists", "ptr"}:
            return False  # of the one the answer depends on each mail, the other is not to be used
        raise Broken(f"{domain} says « {kind[:40]} »")

    def _count(self) -> None:
        self.asked += 1
        if self.asked > MOST_LOOKUPS:
            raise Broken(f"more than {MOST_LOOKUPS} names have to be looked up for it")


def is_spf(text: str) -> bool:
    return text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")


def _is_in(sender: Address, network: str, length: str) -> bool:
    try:
        return sender in ip_network(f"{network}{length}", strict=False)
    except (ValueError, TypeError):
        raise Broken(f"« {network[:40]}{length} » is no network") from None


def spf(domain: str, sender: str | None, lookup: Lookup) -> Finding:
    advice = (
        "publish one TXT record at the domain: v=spf1 with the mail server's address, then -all"
    )
    own = Spf(lookup)
    try:
        last = own.record(domain).lower().split()[-1]
        if last in {"all", "+all"}:
            return Finding.wrong("SPF", "it lets everybody send for the domain", advice)
        if sender is None:
            return Finding.unknown(
                "SPF",
                f"there is a record, ending in {last}",
                "say --sent-by ADDRESS to have it read",
            )
        result = own.result(domain, ip_address(sender))
    except (Broken, ValueError) as problem:
        return Finding.wrong("SPF", str(problem), advice)
    if result != "pass":
        return Finding.wrong("SPF", f"{result} for {sender}", "add that address to the record")
    return Finding.well("SPF", f"{sender} may send for {domain}")


# DMARC


@dataclass(frozen=True, slots=True)
class Dmarc:
    found_at: str
    tags: dict[str, str]

    @property
    def is_strict(self) -> bool:
        """About the domain of a DKIM signature."""
        return self.tags.get("adkim", "r").lower() == "s"

    def aligns(self, signer: str, sender: str) -> bool:
        signer, sender = signer.lower().rstrip("."), sender.lower().rstrip(".")
        if self.is_strict:
            return signer == sender
        return signer == self.found_at or signer.endswith(f".{self.found_at}")


def dmarc_of(domain: str, lookup: Lookup) -> Dmarc | None:
    """The domain's own, else that of the nearest domain above."""
    labels = domain.lower().rstrip(".").split(".")
    for first in range(len(labels) - 1):
        above = ".".join(labels[first:])
        found = [text for text in lookup(f"_dmarc.{above}", "TXT") if is_dmarc(text)]
        if len(found) > 1:
            raise Broken(f"_dmarc.{above} has {len(found)} records")
        if found:
            return Dmarc(above, tags_of(found[0]))
    return None


def is_dmarc(text: str) -> bool:
    return re.match(r"v\s*=\s*DMARC1\s*(;|$)", text) is not None


def dmarc(domain: str, lookup: Lookup) -> Finding:
    advice = f"publish TXT at _dmarc.{domain}: v=DMARC1; p=none; rua=mailto:…, and later p=reject"
    try:
        found = dmarc_of(domain, lookup)
    except Broken as problem:
        return Finding.wrong("DMARC", str(problem), advice)
    if found is None:
        return Finding.wrong("DMARC", "there is no record", advice)
    is_below = found.found_at != domain.lower().rstrip(".")
    policy = found.tags.get("sp", "") if is_below else ""
    policy = (policy or found.tags.get("p", "")).lower()
    if policy not in {"none", "quarantine", "reject"}:
        return Finding.wrong("DMARC", f"its policy is « {policy[:20]} »", advice)
    if policy == "none":
        return Finding.well("DMARC", "p=none: enough to begin with; p=reject stops forgeries")
    return Finding.well("DMARC", f"p={policy}, from {found.found_at}")


# DKIM


def dkim_key(domain: str, selector: str, lookup: Lookup) -> Finding:
    name = f"{selector}._domainkey.{domain}"
    advice = f"publish at {name} the public key that the mail server signs with, RSA of 2048 bits"
    found = lookup(name, "TXT")
    if len(found) != 1:
        return Finding.wrong("DKIM key", f"{name} has {len(found) or 'no'} records", advice)
    tags = tags_of(found[0])
    try:
        told = _key(tags)
    except Broken as problem:
        return Finding.wrong("DKIM key", str(problem), advice)
    if "y" in tags.get("t", "").split(":"):
        return Finding.doubtful(
            "DKIM key", f"{told}, in test", "take t=y away: it voids signatures"
        )
    return Finding.well("DKIM key", told)


def _key(tags: dict[str, str]) -> str:
    if tags.get("v", "DKIM1") != "DKIM1":
        raise Broken("it is not a DKIM1 record")
    try:
        content = base64.b64decode("".join(tags.get("p", "").split()), validate=True)
    except ValueError:
        raise Broken("its key is not base64") from None
    if not content:
        raise Broken("its key was withdrawn: p= is empty")
    kind = tags.get("k", "rsa").lower()
    if kind == "ed25519":
        if len(content) != ED25519:
            raise Broken("its Ed25519 key has not 32 bytes")
        return "Ed25519, which many receivers cannot verify yet: sign with RSA too"
    return _rsa(kind, content)


def _rsa(kind: str, content: bytes) -> str:
    try:
        key = load_der_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        raise Broken("its key is not a public key") from None
    if kind != "rsa" or not isinstance(key, RSAPublicKey):
        raise Broken("it is neither an RSA nor an Ed25519 key")
    if key.key_size < SHORTEST_RSA:
        raise Broken(f"its RSA key has {key.key_size} bits")
    return f"RSA, {key.key_size} bits"


@dataclass(frozen=True, slots=True)
class Signature:
    domain: str
    selector: str
    covers: frozenset[str]
    tags: dict[str, str] = field(repr=False)


def signatures(mail: Message) -> list[Signature]:
    found = [tags_of(str(value)) for value in mail.get_all("DKIM-Signature", [])]
    return [
        Signature(
            tags.get("d", "").lower(),
            tags.get("s", ""),
            frozenset(name.strip().lower() for name in tags.get("h", "").split(":")),
            tags,
        )
        for tags in found
    ]


def signed(mail: Message, domain: str, lookup: Lookup) -> Iterator[Finding]:
    """What the signature covers and for whom it stands, not whether it is true."""
    try:
        policy = dmarc_of(domain, lookup) or Dmarc(domain, {})
    except Broken:
        policy = Dmarc(domain, {})
    ours = [each for each in signatures(mail) if policy.aligns(each.domain, domain)]
    if not ours:
        yield Finding.wrong(
            "DKIM signature",
            f"none for {domain}",
            f"have the mail server sign with d={domain}: DMARC counts no other",
        )
    for each in ours:
        yield _covered(each, mail)


def _covered(signature: Signature, mail: Message) -> Finding:
    subject, tags = "DKIM signature", signature.tags
    if tags.get("a", "").lower() not in {"rsa-sha256", "ed25519-sha256"}:
        return Finding.wrong(subject, f"made by {tags.get('a', '?')[:20]}", "use rsa-sha256")
    if "l" in tags:
        return Finding.wrong(
            subject, "it covers only the beginning of a mail (l=)", "sign without l="
        )
    needed = [name for name in (*SIGNED_ALWAYS, *UNSUBSCRIBING) if name in mail]
    left_out = [name for name in needed if name not in signature.covers]
    if left_out:
        return Finding.wrong(
            subject, f"it does not cover {', '.join(left_out)}", "add these to the signed headers"
        )
    if not all(name in mail for name in UNSUBSCRIBING):
        return Finding.doubtful(
            subject,
            "covers what it must of this mail, which has no List-Unsubscribe headers",
            "give a mail about a visit: those have them",
        )
    return Finding.well(subject, f"by {signature.domain}, covers both List-Unsubscribe headers")


def tags_of(text: str) -> dict[str, str]:
    parts = [part.partition("=") for part in text.split(";")]
    return {name.strip().lower(): value.strip() for name, sign, value in parts if sign}
