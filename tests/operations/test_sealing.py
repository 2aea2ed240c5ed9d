"""R108: a backup opens only with its key, and only whole and in order."""

import io
from collections.abc import Sequence

import pytest

from operations.backup.sealing import CHECK, KIND, PIECE, SALT, TAG, CannotOpen, Opener, Sealer

KEY, OTHER = "a" * 8 + "0123456789abcdefghijklmnopqrstuv", "b" * 8 + "0123456789abcdefghijklmnop"
HEADER = len(KIND) + SALT + CHECK
SEALED_PIECE = PIECE + TAG


def sealed(content: bytes, key: str = KEY) -> bytes:
    file = io.BytesIO()
    sealer = Sealer(file, key)
    for start in range(0, len(content), 100_000):
        sealer.write(content[start : start + 100_000])
    sealer.close()
    return file.getvalue()


def opened(stream: bytes, keys: Sequence[str] = (KEY,)) -> bytes:
    opener, content = Opener(io.BytesIO(stream), keys), b""
    while some := opener.read(70_000):
        content += some
    return content


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_what_was_sealed_is_opened_again(size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    assert opened(sealed(content[:size])) == content[:size]


def test_an_older_key_still_opens_what_it_sealed() -> None:
    assert opened(sealed(b"visit", OTHER), (KEY, OTHER)) == b"visit"


def test_no_other_key_opens_it() -> None:
    with pytest.raises(CannotOpen, match="another key"):
        opened(sealed(b"visit"), (OTHER,))


def test_nothing_of_it_can_be_read_without_the_key() -> None:
    assert b"visit" not in sealed(b"visit" * 1000)
    assert sealed(b"visit") != sealed(b"visit")


WHOLE = sealed(bytes(3 * PIECE))
FIRST, SECOND = WHOLE[HEADER : HEADER + SEALED_PIECE], WHOLE[HEADER + SEALED_PIECE :][:SEALED_PIECE]
LAST = WHOLE[HEADER + 2 * SEALED_PIECE :]


@pytest.mark.parametrize(
    "stream",
    {
        "cut in a piece": WHOLE[:-1],
        "cut between pieces": WHOLE[: HEADER + 2 * SEALED_PIECE],
        "cut after its header": WHOLE[:HEADER],
        "cut in its header": WHOLE[: HEADER - 1],
        "nothing": b"",
        "another file": b"%PDF-1.7" * 100,
        "a byte more": WHOLE + b"\0",
        "a byte flipped": WHOLE[:-40] + bytes([WHOLE[-40] ^ 1]) + WHOLE[-39:],
        "its salt altered": KIND + b"\0" + WHOLE[len(KIND) + 1 :],
        "a piece left out": WHOLE[:HEADER] + FIRST + LAST,
        "two pieces changed places": WHOLE[:HEADER] + SECOND + FIRST + LAST,
        "a piece repeated": WHOLE[:HEADER] + FIRST + FIRST + SECOND + LAST,
    }.items(),
    ids=lambda case: case[0],
)
def test_what_was_altered_or_cut_does_not_open(stream: tuple[str, bytes]) -> None:
    with pytest.raises(CannotOpen):
        opened(stream[1])
