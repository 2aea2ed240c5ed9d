"""What a mailed link carries: signed, for one purpose, and of one state of the thing."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from itsdangerous import BadSignature, URLSafeSerializer

from domain.errors import LinkDead, LinkExpired, SignInOver

KNOWN_FOR = timedelta(days=365)
UNSUBSCRIBE_FOR = timedelta(days=365)
CODE_ASKED_FOR = timedelta(minutes=5)
PASSWORD_SHOWN_FOR = timedelta(hours=1)
INSTALLED_WITHIN = timedelta(hours=72)
ASKED_WITHIN = timedelta(minutes=2)


class Purpose(StrEnum):
    CONFIRM = "appointment.confirm.v1"
    CANCEL = "appointment.cancel.v1"
    KNOWN_BROWSER = "known-browser.v2"
    ACTIVATE = "account.activate.v1"
    RESET = "account.reset.v1"
    INVITE = "account.invite.v1"
    CHANGE_EMAIL = "account.change-email.v1"
    UNSUBSCRIBE = "unsubscribe.v1"
    SECOND_FACTOR = "account.second-factor.v1"
    UNPROVEN = "account.unproven.v1"
    WRITER = "message.writer.v1"
    STAFF_CODE = "staff.code.v1"
    STAFF_ENROL = "staff.enrol.v1"
    STAFF_RESET = "staff.reset.v1"
    INSTALLATION = "installation.v1"
    DEPLOYMENT = "deployment.v1"


SIGNED_IN_MAILS = (Purpose.CONFIRM, Purpose.CANCEL, Purpose.UNSUBSCRIBE)


@dataclass(frozen=True, slots=True)
class VisitLink:
    """A visit as it was when mailed, and the account it was mailed to."""

    appointment: UUID
    version: int
    account: UUID


@dataclass(frozen=True, slots=True)
class UnsubscribeLink:
    """Which mails an account is not to get any more, and about whom."""

    account: UUID
    patient: UUID
    mail_class: str


@dataclass(frozen=True, slots=True)
class Known:
    """An account that signed in from a browser, with the password that it had then."""

    account: UUID
    password: int
    """Which of its passwords, by when it was chosen."""
    seen: int


class Links:
    def __init__(self, keys: Sequence[str]) -> None:
        # itsdangerous signs with the last key and accepts them all.
        self._keys = list(reversed(keys))

    def is_signed(self, token: str) -> bool:
        """Told without asking anybody, and not of the links that only their rows know."""
        return any(self._serializer(each).loads_unsafe(token)[0] for each in SIGNED_IN_MAILS)

    def sign_visit(self, purpose: Purpose, link: VisitLink) -> str:
        payload = [link.appointment.hex, link.version, link.account.hex]
        return str(self._serializer(purpose).dumps(payload))

    def read_visit(self, purpose: Purpose, token: str) -> VisitLink:
        try:
            appointment, version, account = self._serializer(purpose).loads(token)
            return VisitLink(UUID(appointment), int(version), UUID(account))
        except (BadSignature, ValueError, TypeError) as error:
            raise LinkDead from error

    def sign_known(self, known: Sequence[Known]) -> str:
        payload = [[each.account.hex, each.password, each.seen] for each in known]
        return str(self._serializer(Purpose.KNOWN_BROWSER).dumps(payload))

    def read_known(self, token: str, now: datetime) -> tuple[Known, ...]:
        """Who signed in from this browser, within the last year."""
        try:
            rows = self._serializer(Purpose.KNOWN_BROWSER).loads(token)
            known = [Known(UUID(account), int(mark), int(seen)) for account, mark, seen in rows]
        except (BadSignature, ValueError, TypeError, AttributeError):
            return ()
        oldest = now.timestamp() - KNOWN_FOR.total_seconds()
        return tuple(each for each in known if each.seen >= oldest)

    def sign_unsubscribe(self, link: UnsubscribeLink, now: datetime) -> str:
        payload = [link.account.hex, link.patient.hex, link.mail_class, int(now.timestamp())]
        return str(self._serializer(Purpose.UNSUBSCRIBE).dumps(payload))

    def read_unsubscribe(self, token: str, now: datetime) -> UnsubscribeLink:
        try:
            account, patient, mail_class, sent = self._serializer(Purpose.UNSUBSCRIBE).loads(token)
            link = UnsubscribeLink(UUID(account), UUID(patient), str(mail_class))
            age = now.timestamp() - float(sent)
        except (BadSignature, ValueError, TypeError, AttributeError) as error:
            raise LinkDead from error
        if age > UNSUBSCRIBE_FOR.total_seconds():
            raise LinkExpired
        return link

    def sign_first_step(
        self, account: UUID, proof: str, now: datetime, purpose: Purpose = Purpose.SECOND_FACTOR
    ) -> str:
        """That the password was right, while it stays the same: `proof` is the hash of its hash."""
        payload = [account.hex, proof, int(now.timestamp())]
        return str(self._serializer(purpose).dumps(payload))

    def read_first_step(
        self, token: str, now: datetime, purpose: Purpose = Purpose.SECOND_FACTOR
    ) -> tuple[UUID, str]:
        """The account, and the proof of its password then."""
        try:
            account, proof, at = self._serializer(purpose).loads(token)
            step, age = (UUID(account), str(proof)), now.timestamp() - float(at)
        except (BadSignature, ValueError, TypeError, AttributeError) as error:
            raise SignInOver from error
        if age >= CODE_ASKED_FOR.total_seconds():
            raise SignInOver
        return step

    def sign_unproven(self, email_canonical: str, password_hash: str, now: datetime) -> str:
        """That the password of an account was right, which waits to be activated."""
        payload = [hash_of(f"{email_canonical}|{password_hash}"), int(now.timestamp())]
        return str(self._serializer(Purpose.UNPROVEN).dumps(payload))

    def is_of_unproven(
        self, token: str, email_canonical: str, password_hash: str, now: datetime
    ) -> bool:
        try:
            digest, at = self._serializer(Purpose.UNPROVEN).loads(token)
            is_fresh = now.timestamp() - float(at) < PASSWORD_SHOWN_FOR.total_seconds()
        except (BadSignature, ValueError, TypeError, AttributeError):
            return False
        return is_fresh and str(digest) == hash_of(f"{email_canonical}|{password_hash}")

    def sign_writer(self, account: UUID, now: datetime) -> str:
        """Whose form it is: what is typed in it is theirs, also when their session has ended."""
        payload = [account.hex, int(now.timestamp())]
        return str(self._serializer(Purpose.WRITER).dumps(payload))

    def read_writer(self, token: str, *, known_for: timedelta, now: datetime) -> UUID | None:
        try:
            account, at = self._serializer(Purpose.WRITER).loads(token)
            writer, age = UUID(account), now.timestamp() - float(at)
        except (BadSignature, ValueError, TypeError, AttributeError):
            return None
        return writer if age < known_for.total_seconds() else None

    def sign_installation(self, now: datetime) -> str:
        """Of who reads the server's own output: they may set up a portal that has no clinic."""
        return str(self._serializer(Purpose.INSTALLATION).dumps(int(now.timestamp())))

    def is_installation(self, token: str, now: datetime) -> bool:
        try:
            at = float(self._serializer(Purpose.INSTALLATION).loads(token))
        except (BadSignature, ValueError, TypeError):
            return False
        return now.timestamp() - at < INSTALLED_WITHIN.total_seconds()

    def sign_question(self, now: datetime) -> str:
        """Of who holds our keys and asks, from outside, how the portal sees them."""
        return str(self._serializer(Purpose.DEPLOYMENT).dumps(int(now.timestamp())))

    def is_question(self, token: str, now: datetime) -> bool:
        try:
            at = float(self._serializer(Purpose.DEPLOYMENT).loads(token))
        except (BadSignature, ValueError, TypeError):
            return False
        return abs(now.timestamp() - at) < ASKED_WITHIN.total_seconds()

    def secret_token(self, purpose: Purpose, row: UUID) -> str:
        """What the link of this row carries. Made from our key, so that no table holds it."""
        return self._derived(purpose, row, self._keys[-1])

    def mailed_token(self, purpose: Purpose, row: UUID, token_hash: str) -> str | None:
        """The same again for its mail, also when our key was renewed meanwhile."""
        tokens = (self._derived(purpose, row, key) for key in reversed(self._keys))
        return next((token for token in tokens if hash_of(token) == token_hash), None)

    def secret_code(self, purpose: Purpose, row: UUID) -> str:
        """The six digits that go with a row's link in another mail."""
        return self._code(purpose, row, self._keys[-1])

    def mailed_code(self, purpose: Purpose, row: UUID, token_hash: str) -> str | None:
        """The same again, by the key of the row's link; also when that link opens nothing."""
        for key in reversed(self._keys):
            token = self._derived(purpose, row, key)
            if token_hash in {hash_of(token), hash_of_dead(token)}:
                return self._code(purpose, row, key)
        return None

    def _code(self, purpose: Purpose, row: UUID, key: str) -> str:
        digest = hmac.new(key.encode(), f"{purpose}|code|{row.hex}".encode(), sha256).digest()
        return f"{int.from_bytes(digest[:8]) % 10**6:06}"

    def _derived(self, purpose: Purpose, row: UUID, key: str) -> str:
        digest = hmac.new(key.encode(), f"{purpose}|token|{row.hex}".encode(), sha256).digest()
        return urlsafe_b64encode(digest).decode().rstrip("=")

    def _serializer(self, purpose: Purpose) -> URLSafeSerializer:
        return URLSafeSerializer(
            self._keys,
            salt=purpose.value,
            signer_kwargs={"key_derivation": "hmac", "digest_method": sha256},
        )


def hash_of(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def hash_of_dead(token: str) -> str:
    """What a row has whose link must not open: what has this hash is never mailed."""
    return hash_of(f"dead|{token}")
