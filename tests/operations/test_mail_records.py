"""R95: what DNS says about who may send the portal's mail."""

import base64
from email import message_from_string
from textwrap import dedent

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from operations.check import lookups, mail_records
from operations.check.finding import State
from operations.check.mail_records import Lookup

DOMAIN, SENDER = "clinique.example", "198.51.100.7"


def rsa(bits: int) -> str:
    key = generate_private_key(65537, bits).public_key()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


LONG, SHORT = rsa(2048), rsa(1024)
ED25519 = base64.b64encode(
    Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
).decode()


def zone(text: str) -> Lookup:
    return lookups.from_text(dedent(text))


def spf(text: str, sender: str | None = SENDER) -> tuple[State, str]:
    finding = mail_records.spf(DOMAIN, sender, zone(text))
    return finding.state, finding.told


@pytest.mark.parametrize(
    ("record", "state"),
    [
        ("v=spf1 ip4:198.51.100.7 -all", State.WELL),
        ("v=spf1 ip4:198.51.100.0/24 ~all", State.WELL),
        ("v=spf1 a -all", State.WELL),
        ("v=spf1 mx -all", State.WELL),
        ("v=spf1 a:mail.clinique.example/31 -all", State.WELL),
        ("v=spf1 include:_spf.poste.example -all", State.WELL),
        ("v=spf1 redirect=_spf.poste.example", State.WELL),
        ("V=SPF1 IP4:198.51.100.7 -ALL", State.WELL),
        ("v=spf1 -ip4:198.51.100.7 +all", State.WRONG),
        ("v=spf1 ip4:203.0.113.1 -all", State.WRONG),
        ("v=spf1 ip6:2001:db8::/32 -all", State.WRONG),
        ("v=spf1 ip4:198.51.100.7 -ip4:0.0.0.0/0 all", State.WRONG),
        ("v=spf1 ip4:not-a-network -all", State.WRONG),
        ("v=spf1 nonsense -all", State.WRONG),
        ("v=spf1 include:nowhere.example -all", State.WRONG),
        ("v=spf1 include:clinique.example -all", State.WRONG),
        ("v=spf10 ip4:198.51.100.7 -all", State.WRONG),
        ("", State.WRONG),
    ],
)
def test_spf_lets_the_mail_server_send_and_not_everybody(record: str, state: State) -> None:
    told = spf(f"""
        clinique.example. 300 IN TXT "{record}"
        clinique.example. MX 10 mail.clinique.example.
        clinique.example. A 198.51.100.7
        mail.clinique.example. A 198.51.100.7
        _spf.poste.example. TXT "v=spf1 ip4:198.51.100.0/25 -all"
        """)
    assert told[0] == state, told[1]


def test_two_spf_records_are_none() -> None:
    records = 'clinique.example TXT "v=spf1 -all"\nclinique.example TXT "v=spf1 a -all"'
    assert spf(records) == (State.WRONG, "clinique.example has 2 SPF records")


def test_without_the_servers_address_spf_is_not_judged() -> None:
    assert spf('clinique.example TXT "v=spf1 mx -all"', None)[0] == State.UNKNOWN


@pytest.mark.parametrize(
    ("records", "state"),
    [
        ('_dmarc.clinique.example TXT "v=DMARC1; p=none; rua=mailto:d@clinique.example"', "ok"),
        ('_dmarc.clinique.example TXT "v=DMARC1; p=reject"', "ok"),
        ('_dmarc.clinique.example TXT "v=DMARC1;" "p=quarantine"', "ok"),
        ('_dmarc.clinique.example TXT "v=DMARC1; p=nothing"', "FAIL"),
        ('_dmarc.clinique.example TXT "v=DMARC1"', "FAIL"),
        ('_dmarc.clinique.example TXT "v=DMARC12; p=none"', "FAIL"),
        ('_dmarc.autre.example TXT "v=DMARC1; p=none"', "FAIL"),
        ("", "FAIL"),
    ],
)
def test_dmarc_has_a_policy(records: str, state: str) -> None:
    assert mail_records.dmarc(DOMAIN, zone(records)).state == state


def test_the_domain_above_speaks_for_those_below() -> None:
    records = zone('_dmarc.clinique.example TXT "v=DMARC1; p=reject; sp=none"')
    found = mail_records.dmarc(f"portail.{DOMAIN}", records)
    assert (found.state, found.told[:6]) == (State.WELL, "p=none")


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (f"v=DKIM1; k=rsa; p={LONG}", "RSA, 2048 bits"),
        (f"p={LONG}", "RSA, 2048 bits"),
        (f"v=DKIM1; t=y; p={LONG}", "RSA, 2048 bits, in test"),
        (f"v=DKIM1; p={SHORT}", "its RSA key has 1024 bits"),
        (f"v=DKIM1; k=ed25519; p={LONG}", "its Ed25519 key has not 32 bytes"),
        ("v=DKIM1; p=", "its key was withdrawn: p= is empty"),
        ("v=DKIM1; p=AAAA", "its key is not a public key"),
        ("v=DKIM1; p=é", "its key is not base64"),
        (f"v=DKIM2; p={LONG}", "it is not a DKIM1 record"),
    ],
)
def test_the_dkim_key_is_long_enough_and_whole(record: str, told: str) -> None:
    halves = f'"{record[:200]}" "{record[200:]}"'
    records = zone(f"s1._domainkey.clinique.example. IN TXT ( {halves} )")
    assert mail_records.dkim_key(DOMAIN, "s1", records).told == told


def test_an_ed25519_key_is_one() -> None:
    records = zone(f's1._domainkey.clinique.example TXT "v=DKIM1; k=ed25519; p={ED25519}"')
    assert mail_records.dkim_key(DOMAIN, "s1", records).state == State.WELL


ALL = "From:To:Subject:Date:Message-ID:List-Unsubscribe:List-Unsubscribe-Post"
FOLDED = ALL.replace(":", " :\n ")


def signed(tags: str, records: str = "", *, lists: bool = True) -> list[tuple[State, str]]:
    unsubscribing = (
        "List-Unsubscribe: <https://x>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n"
    )
    mail = message_from_string(
        f"DKIM-Signature: v=1; {tags}; bh=x; b=y\nFrom: portail@clinique.example\nTo: a@b.example\n"
        f"Subject: Rendez-vous\nDate: x\nMessage-ID: <1@x>\n{unsubscribing if lists else ''}\nx"
    )
    found = mail_records.signed(mail, DOMAIN, zone(records))
    return [(finding.state, finding.told) for finding in found]


@pytest.mark.parametrize(
    ("tags", "state"),
    [
        (f"a=rsa-sha256; d=clinique.example; s=s1; h={ALL}", State.WELL),
        (f"a=rsa-sha256; d=clinique.example; s=s1;\n h={FOLDED}", State.WELL),
        ("a=rsa-sha256; d=clinique.example; s=s1; h=From:To:Subject:Date:Message-ID", State.WRONG),
        (
            f"a=rsa-sha256; d=clinique.example; s=s1; h={ALL.removesuffix('-Post')}",
            State.WRONG,
        ),
        (f"a=rsa-sha1; d=clinique.example; s=s1; h={ALL}", State.WRONG),
        (f"a=rsa-sha256; l=100; d=clinique.example; s=s1; h={ALL}", State.WRONG),
        (f"a=rsa-sha256; d=poste.example; s=s1; h={ALL}", State.WRONG),
    ],
)
def test_the_signature_is_the_domains_and_covers_both_unsubscribing_headers(
    tags: str, state: State
) -> None:
    assert [each for each, _ in signed(tags)] == [state]


def test_a_signature_of_a_domain_below_counts_unless_dmarc_is_strict() -> None:
    tags = f"a=rsa-sha256; d=mail.clinique.example; s=s1; h={ALL}"
    record = '_dmarc.clinique.example TXT "v=DMARC1; p=none{}"'
    assert [state for state, _ in signed(tags, record.format(""))] == [State.WELL]
    assert [state for state, _ in signed(tags, record.format("; adkim=s"))] == [State.WRONG]


def test_a_mail_without_the_headers_proves_nothing_about_them() -> None:
    tags = f"a=rsa-sha256; d=clinique.example; s=s1; h={ALL}"
    assert [state for state, _ in signed(tags, lists=False)] == [State.DOUBTFUL]
