"""A stream that opens only with its key, and only whole and in order.

A header (what it is, a salt, a check of the key), then pieces of one size, each sealed with
AES-256-GCM under a key derived for this stream alone. A piece's nonce is its number and whether it
is the last: none can be left out, moved, repeated or cut off.
"""

import hmac
import os
from collections.abc import Sequence
from hashlib import sha256
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KIND = b"portal backup 1\n"
SALT = 32
CHECK = 32
PIECE = 256 * 1024
TAG = 16


class CannotOpen(Exception):
    """It is not a backup, not of this key, or not as it was written."""


class Sealer:
    """Written to; `close` seals the end, without which nothing opens it."""

    def __init__(self, file: BinaryIO, key: str) -> None:
        salt = os.urandom(SALT)
        self._cipher, check = _derived(key, salt)
        self._file = file
        self._waiting = bytearray()
        self._number = 0
        file.write(KIND + salt + check)

    def write(self, content: bytes) -> int:
        self._waiting += content
        while len(self._waiting) > PIECE:  # the last piece is never empty but in an empty stream
            self._seal(bytes(self._waiting[:PIECE]), is_last=False)
            del self._waiting[:PIECE]
        return len(content)

    def close(self) -> None:
        self._seal(bytes(self._waiting), is_last=True)

    def _seal(self, piece: bytes, *, is_last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, is_last), piece, KIND))
        self._number += 1


class Opener:
    """Read from; raises `CannotOpen` as soon as a piece is not what was sealed."""

    def __init__(self, file: BinaryIO, keys: Sequence[str]) -> None:
        header = file.read(len(KIND) + SALT + CHECK)
        if len(header) < len(KIND) + SALT + CHECK or not header.startswith(KIND):
            raise CannotOpen("this is not a backup of the portal, or only its beginning")
        salt, check = header[len(KIND) : -CHECK], header[-CHECK:]
        derived = [_derived(key, salt) for key in keys]
        fitting = [cipher for cipher, own in derived if hmac.compare_digest(own, check)]
        if not fitting:
            raise CannotOpen("this backup was sealed with another key, or its beginning altered")
        self._cipher = fitting[0]
        self._file = file
        self._ready = bytearray()
        self._next = file.read(PIECE + TAG)
        self._number = 0
        self._is_over = False

    def read(self, size: int) -> bytes:
        while len(self._ready) < size and not self._is_over:
            self._open()
        content = bytes(self._ready[:size])
        del self._ready[:size]
        return content

    def _open(self) -> None:
        sealed, self._next = self._next, self._file.read(PIECE + TAG)
        self._is_over = not self._next
        try:
            nonce = _nonce(self._number, self._is_over)
            self._ready += self._cipher.decrypt(nonce, sealed, KIND)
        except InvalidTag:
            raise CannotOpen("this backup is cut off, or was altered") from None
        self._number += 1


def _derived(key: str, salt: bytes) -> tuple[AESGCM, bytes]:
    made = HKDF(SHA256(), length=64, salt=salt, info=KIND).derive(key.encode())
    return AESGCM(made[:32]), hmac.digest(made[32:], KIND + salt, sha256)


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(11) + bytes([is_last])
