"""Reads one PDF from its input and says in a word what is wrong with it, or « ok ».

Run alone, by its path, with bounds of its own: what is sent may have been made to break a reader.
"""

import io
import resource
import sys
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

import pikepdf

MEMORY = 512 * 2**20
SECONDS = 10
MOST_OBJECTS = 100_000
MOST_PARTS = 1_000_000
DEEPEST = 200
MOST_UNPACKED = 512 * 2**20
TWICE = "dictionary has duplicated key"
BLANKS = b"\0\t\n\f\r "

# A key, or what a dictionary says it is, for which a viewer would do more than show pages.
FORBIDDEN = {
    "/JavaScript": "script",
    "/JS": "script",
    "/AA": "action",
    "/Launch": "launch",
    "/EmbeddedFile": "embedded",
    "/EmbeddedFiles": "embedded",
    "/EF": "embedded",
    "/FileAttachment": "embedded",
    "/RichMedia": "media",
    "/XFA": "form",
    "/SubmitForm": "form",
    "/ImportData": "form",
    "/GoToR": "launch",
    "/GoToE": "launch",
    "/Rendition": "media",
    "/Movie": "media",
    "/Sound": "media",
}
WEB = ("http://", "https://", "mailto:")
# What these pack is as large as the picture says it is.
PICTURES = {"/DCTDecode", "/DCT", "/JPXDecode", "/JBIG2Decode", "/CCITTFaxDecode", "/CCF"}
SAYS_WHAT_IT_IS = ("/S", "/Type", "/Subtype")


class Refused(Exception):
    pass


def problem_of(content: bytes) -> str:
    try:
        with pikepdf.open(io.BytesIO(content), attempt_recovery=False) as pdf:
            _check(pdf, content)
    except Refused as refused:
        return str(refused)
    except pikepdf.PasswordError:
        return "encrypted"
    except (MemoryError, RecursionError):
        return "too_complex"
    except (pikepdf.PdfError, ValueError, TypeError, KeyError, AttributeError, RuntimeError):
        return "broken"
    return "ok"


def _check(pdf: pikepdf.Pdf, content: bytes) -> None:
    if pdf.is_encrypted:
        raise Refused("encrypted")
    _check_end(content)
    if len(pdf.objects) >= MOST_OBJECTS:
        raise Refused("too_complex")
    for count, part in enumerate(_parts(pdf)):
        if count > MOST_PARTS:
            raise Refused("too_complex")
        if isinstance(part, pikepdf.Dictionary | pikepdf.Stream):
            _check_dictionary(part)
    if len(pdf.pages) == 0:
        raise Refused("broken")
    _check_streams(pdf)
    if any(TWICE in warning for warning in pdf.get_warnings()):
        raise Refused("broken")  # of two values, another reader may take the other one


def _check_end(content: bytes) -> None:
    end = content.rfind(b"%%EOF")
    if end < 0 or content[end + 5 :].strip(BLANKS):
        raise Refused("broken")  # another file may begin there


def _check_dictionary(part: Any) -> None:
    for key in part.keys():  # noqa: SIM118 - an Object is not a mapping
        value = part[key]
        if key in FORBIDDEN:
            raise Refused(FORBIDDEN[key])
        if key == "/OpenAction" and not _is_place(value):
            raise Refused("action")
        if key == "/URI" and not _is_web(value):
            raise Refused("launch")
        if key in SAYS_WHAT_IT_IS and str(value) in FORBIDDEN:
            raise Refused(FORBIDDEN[str(value)])


def _is_place(value: Any) -> bool:
    """An array that says which page comes first, and how it is shown; it does nothing."""
    if not isinstance(value, pikepdf.Array) or len(value) == 0:
        return False
    page = value[0]
    return isinstance(page, int) or (
        isinstance(page, pikepdf.Dictionary) and page.get("/Type") == pikepdf.Name.Page
    )


def _is_web(address: Any) -> bool:
    """Neither a file of the reader's machine nor a script; a document's own base is no address."""
    if isinstance(address, pikepdf.Dictionary):
        return True
    is_text = isinstance(address, pikepdf.String)
    return is_text and bytes(address).decode("latin-1").lower().startswith(WEB)


def _parts(pdf: pikepdf.Pdf) -> Iterator[Any]:
    """Every dictionary and array, those within others too; without recursion."""
    stack: list[tuple[Any, int]] = [(found, 0) for found in pdf.objects]
    stack.append((pdf.trailer, 0))
    while stack:
        part, depth = stack.pop()
        if depth > DEEPEST:
            raise Refused("too_complex")
        if not isinstance(part, pikepdf.Array | pikepdf.Dictionary | pikepdf.Stream):
            continue
        yield part
        inside = part if isinstance(part, pikepdf.Array) else (part[key] for key in part.keys())  # noqa: SIM118
        # What stands elsewhere and is only named here comes by itself.
        stack.extend((p, depth + 1) for p in inside if not getattr(p, "is_indirect", False))


def _check_streams(pdf: pikepdf.Pdf) -> None:
    """A page of a few bytes must not unpack into gigabytes where it is read."""
    unpacked = 0
    for found in pdf.objects:
        if isinstance(found, pikepdf.Stream):
            if "/F" in found:
                raise Refused("embedded")  # what it shows lies elsewhere
            unpacked += _unpacked(pdf, found)
            if unpacked > MOST_UNPACKED:
                raise Refused("too_complex")


def _unpacked(pdf: pikepdf.Pdf, stream: pikepdf.Stream) -> int:
    filters = list(takewhile(lambda name: name not in PICTURES, _filters(stream)))
    if not filters:
        return 0
    names = pikepdf.Array([pikepdf.Name(name) for name in filters])
    try:
        return len(pikepdf.Stream(pdf, stream.read_raw_bytes(), Filter=names).get_stream_buffer())
    except pikepdf.PdfError as error:
        raise Refused("too_complex" if "bad_alloc" in str(error) else "broken") from error


def _filters(stream: pikepdf.Stream) -> list[str]:
    named = stream.get("/Filter")
    if named is None:
        return []
    return [str(name) for name in named] if isinstance(named, pikepdf.Array) else [str(named)]


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.write(problem_of(sys.stdin.buffer.read()))


if __name__ == "__main__":
    main()
