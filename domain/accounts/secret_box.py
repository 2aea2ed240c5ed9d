"""What only the portal's keys can read: the secrets of second factors, and texts on their way."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

KEPT, OFFERED, RECOVERY = "second-factor.v1", "second-factor.offer.v1", "recovery-code.v1"
TYPED = "typed-text.v1"


class SecretBox:
    """The newest key seals; every one of them opens."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = keys
        self._kept = [Fernet(urlsafe_b64encode(_derived(key, KEPT))) for key in keys]
        self._offered = MultiFernet(
            [Fernet(urlsafe_b64encode(_derived(key, OFFERED))) for key in keys]
        )
        self._typed = MultiFernet([Fernet(urlsafe_b64encode(_derived(key, TYPED))) for key in keys])

    def seal(self, account: UUID, secret: str, *, now: datetime) -> str:
        return self._kept[0].encrypt_at_time(_text(account, secret), _at(now)).decode()

    def open(self, account: UUID, sealed: str) -> str | None:
        """None when it is another account's, or our key is gone."""
        try:
            return _secret(account, MultiFernet(self._kept).decrypt(sealed.encode()))
        except InvalidToken:
            return None

    def is_outdated(self, sealed: str) -> bool:
        """Whether another key than the newest sealed it."""
        try:
            self._kept[0].decrypt(sealed.encode())
        except InvalidToken:
            return True
        return False

    def offer(self, account: UUID, secret: str, *, now: datetime) -> str:
        """A secret that its form carries until a code has confirmed it."""
        return self._offered.encrypt_at_time(_text(account, secret), _at(now)).decode()

    def offered(self, account: UUID, token: str, *, seconds: int, now: datetime) -> str | None:
        try:
            text = self._offered.decrypt_at_time(token.encode(), seconds, _at(now))
        except InvalidToken:
            return None
        return _secret(account, text)

    def wrap(self, account: UUID, typed: bytes, *, now: datetime) -> str:
        """What an account typed, for its browser to keep until it has signed in again."""
        return self._typed.encrypt_at_time(account.bytes + typed, _at(now)).decode()

    def unwrap(self, account: UUID, token: str, *, seconds: int, now: datetime) -> bytes | None:
        try:
            found = self._typed.decrypt_at_time(token.encode(), seconds, _at(now))
        except InvalidToken:
            return None
        return found[16:] if found[:16] == account.bytes else None

    def recovery_hashes(self, account: UUID, code: str) -> list[str]:
        """By each key, the newest first: too short to be kept as a mere hash."""
        text = f"{account.hex}|{code}".encode()
        return [hmac.new(_derived(k, RECOVERY), text, sha256).hexdigest() for k in self._keys]


def _derived(key: str, purpose: str) -> bytes:
    return hmac.new(key.encode(), purpose.encode(), sha256).digest()


def _text(account: UUID, secret: str) -> bytes:
    return f"{account.hex}|{secret}".encode()


def _secret(account: UUID, text: bytes) -> str | None:
    of, _, secret = text.decode().partition("|")
    return secret if of == account.hex else None


def _at(now: datetime) -> int:
    return int(now.timestamp())
