"""PDFs made for tests: good ones, and those that nobody may be sent."""

import io
import zipfile
import zlib
from collections.abc import Callable

import pikepdf
from pikepdf import Array, Dictionary, Name, String
from reportlab.pdfgen.canvas import Canvas

MEBIBYTE = 2**20
Change = Callable[[pikepdf.Pdf], None]


def good(text: str = "Bonjour", *, pages: int = 1) -> bytes:
    """A letter, always the same bytes for the same words."""
    made = io.BytesIO()
    canvas = Canvas(made, invariant=1, pageCompression=0)
    for page in range(pages):
        canvas.drawString(72, 720, f"{text} {page + 1}")
        canvas.showPage()
    canvas.save()
    return made.getvalue()


def of_size(size: int) -> bytes:
    """Exactly so many bytes, all of them a PDF's: a picture fills it up."""
    length = size - len(_with_picture(0))
    for _ in range(3):  # the number of its length takes bytes itself
        length += size - len(_with_picture(length))
    return _with_picture(length)


def _with_picture(length: int) -> bytes:
    pdf = _pdf()
    pdf.Root.Filler = pdf.make_stream(b"\x2a" * length)
    made = io.BytesIO()
    pdf.save(
        made,
        compress_streams=False,
        object_stream_mode=pikepdf.ObjectStreamMode.disable,
        static_id=True,
    )
    return made.getvalue()


def changed(change: Change, **options: object) -> bytes:
    """A good one, but for this."""
    pdf = _pdf()
    change(pdf)
    made = io.BytesIO()
    pdf.save(made, static_id=True, **options)  # type: ignore[arg-type]
    return made.getvalue()


def _pdf() -> pikepdf.Pdf:
    return pikepdf.open(io.BytesIO(good()))


def _first_page(act: Dictionary) -> Change:
    """A link on the first page that does this."""

    def change(pdf: pikepdf.Pdf) -> None:
        link = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=[0, 0, 99, 99], A=act)
        pdf.pages[0].obj.Annots = Array([link])

    return change


def _root(key: str, value: object) -> Change:
    def change(pdf: pikepdf.Pdf) -> None:
        pdf.Root[key] = value

    return change


def _attach(pdf: pikepdf.Pdf) -> None:
    pdf.attachments["invoice.exe"] = b"MZ"


def _named_script(pdf: pikepdf.Pdf) -> None:
    script = Dictionary(S=Name.JavaScript, JS=String("app.alert(1)"))
    pdf.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([String("a"), script])))


def _deep(pdf: pikepdf.Pdf) -> None:
    """Not in any object's own keys: an array in a dictionary in an array."""
    script = Dictionary(S=Name.JavaScript, JS=pdf.make_stream(b"app.alert(1)"))
    pdf.pages[0].obj.PieceInfo = Dictionary(
        Office=Dictionary(Private=Array([Array([Dictionary(Then=Array([script]))])]))
    )


def _media(pdf: pikepdf.Pdf) -> None:
    pdf.pages[0].obj.Annots = Array(
        [Dictionary(Type=Name.Annot, Subtype=Name.RichMedia, Rect=[0, 0, 9, 9])]
    )


def _bomb(pdf: pikepdf.Pdf) -> None:
    squeezed = zlib.compressobj(1)
    some = b"".join(squeezed.compress(bytes(MEBIBYTE)) for _ in range(300)) + squeezed.flush()
    pdf.pages[0].obj.Contents = pikepdf.Stream(pdf, some, Filter=Name.FlateDecode)


def _bomb_twice(pdf: pikepdf.Pdf) -> None:
    """Packed in two layers, the second one called a photograph."""
    inner = zlib.compress(bytes(300 * MEBIBYTE), 1)
    filters = Array([Name.FlateDecode, Name.FlateDecode, Name.DCTDecode])
    pdf.Root.Picture = pikepdf.Stream(pdf, zlib.compress(inner), Filter=filters)


def _many_objects(pdf: pikepdf.Pdf) -> None:
    pdf.Root.Many = Array([pdf.make_indirect(Dictionary(N=n)) for n in range(100_000)])


def _nested(brackets: int) -> bytes:
    deep = b"[" * brackets + b"]" * brackets
    marker = b"/Marker (" + b"x" * (len(deep) - 2) + b")"
    held = changed(_root("/Marker", String("x" * (len(deep) - 2))), **PLAIN)
    return held.replace(marker, b"/Marker " + deep)


def _ring(pdf: pikepdf.Pdf) -> None:
    """Objects that name each other in a circle: harmless, if one does not follow them for ever."""
    one, other = pdf.make_indirect(Dictionary()), pdf.make_indirect(Dictionary())
    one.Next, other.Next = other, one
    pdf.Root.Ring = one


def _twice(key: bytes, first: bytes, then: bytes, where: str = "root") -> bytes:
    """One key of a dictionary with two values: which of them counts, each reader says."""
    entry = key + first + key + then
    root, page, trailer = (entry if where == place else b"" for place in ("root", "page", "end"))
    return _written(
        b"<</Type/Catalog/Pages 2 0 R" + root + b">>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/Resources<<>>/MediaBox[0 0 99 99]" + page + b">>",
        trailer=trailer or b"/Root 1 0 R",
    )


def _written(*objects: bytes, trailer: bytes) -> bytes:
    """By hand: these objects, one after the other."""
    made, places = b"%PDF-1.4\n", b""
    for number, content in enumerate(objects, 1):
        places += b"%010d 00000 n \n" % len(made)
        made += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    size = len(objects) + 1
    table = b"xref\n0 %d\n0000000000 65535 f \n%b" % (size, places)
    end = b"trailer<<%b/Size %d>>\nstartxref\n%d\n%%%%EOF\n" % (trailer, size, len(made))
    return made + table + end


def _elsewhere(pdf: pikepdf.Pdf) -> None:
    picture = pikepdf.Stream(pdf, b"")
    picture.F = String("https://mal.example/picture")
    pdf.pages[0].obj.Contents = picture


def _report() -> bytes:
    """As a clinic's system makes one: chapters at the side, links within it and to the web."""
    made = io.BytesIO()
    canvas = Canvas(made, invariant=1)
    canvas.showOutline()
    for page in range(3):
        canvas.bookmarkPage(f"page{page}")
        canvas.addOutlineEntry(f"Page {page}", f"page{page}", level=min(page, 1))
        canvas.drawString(72, 720, "Bonjour")
        canvas.linkRect("", f"page{(page + 1) % 3}", (72, 700, 200, 740))
        canvas.linkURL("https://clinique.example/a?b=1", (72, 600, 200, 640))
        canvas.linkURL("HTTP://clinique.example", (72, 500, 200, 540))
        canvas.linkURL("mailto:info@clinique.example", (72, 400, 200, 440))
        canvas.showPage()
    canvas.save()
    return made.getvalue()


def _saved_again(content: bytes, **options: object) -> bytes:
    made = io.BytesIO()
    with pikepdf.open(io.BytesIO(content)) as pdf:
        pdf.save(made, **options)  # type: ignore[arg-type]
    return made.getvalue()


def _archive() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("a.html", "<script>alert(1)</script>")
    return made.getvalue()


def _written_oddly() -> bytes:
    """The same names, spelled with a character's number."""
    script = changed(_root("/OpenXXXction", Dictionary(S=Name("/JXXXvaScript"))))
    return script.replace(b"/OpenXXX", b"/Open#41").replace(b"/JXXX", b"/J#61")


PLAIN = {"object_stream_mode": pikepdf.ObjectStreamMode.disable}
PACKED = {"object_stream_mode": pikepdf.ObjectStreamMode.generate}
SCRIPT = Dictionary(S=Name.JavaScript, JS=String("app.alert(1)"))

BAD: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a page of the web": ("not_pdf", lambda: b"<!doctype html><script>alert(1)</script>"),
    "a drawing with a script": ("not_pdf", lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    "a program": ("not_pdf", lambda: b"MZ\x90\0" + bytes(2000)),
    "a script in front": ("not_pdf", lambda: b"<script>alert(1)</script>\n" + good()),
    "a blank in front": ("not_pdf", lambda: b"\n" + good()),
    "nothing": ("empty", lambda: b""),
    "a beginning and no more": ("broken", lambda: b"%PDF-1.7\n"),
    "cut in the middle": ("broken", lambda: good(pages=20)[:4000]),
    "an archive behind": ("broken", lambda: good() + _archive()),
    "no page": ("broken", lambda: changed(lambda pdf: pdf.pages.__delitem__(0))),
    "a password": (
        "encrypted",
        lambda: changed(lambda _: None, encryption=pikepdf.Encryption(owner="o", user="u")),
    ),
    "locked and yet legible": (
        "encrypted",
        lambda: changed(lambda _: None, encryption=pikepdf.Encryption(owner="o", user="")),
    ),
    "a named script": ("script", lambda: changed(_named_script)),
    "a script on a link": ("script", lambda: changed(_first_page(SCRIPT))),
    "a script deep in direct objects": ("script", lambda: changed(_deep, **PLAIN)),
    "a script in an object stream": ("script", lambda: changed(_deep, **PACKED)),
    "a script at opening": ("action", lambda: changed(_root("/OpenAction", SCRIPT))),
    "a jump at opening": (
        "action",
        lambda: changed(_root("/OpenAction", Dictionary(S=Name.GoTo, D=Array([0])))),
    ),
    "names with escapes": ("action", _written_oddly),
    "something on turning a page": (
        "action",
        lambda: changed(_root("/AA", Dictionary(WC=Dictionary(S=Name.Named, N=Name.Print)))),
    ),
    "an action among the pages to show": (
        "action",
        lambda: changed(
            _root("/OpenAction", Array([Dictionary(S=Name.URI, URI=String("https://x.example"))]))
        ),
    ),
    "no page to show": ("action", lambda: changed(_root("/OpenAction", Array([])))),
    "another file to open": (
        "launch",
        lambda: changed(_first_page(Dictionary(S=Name.GoToR, F=String("\\\\mal\\x.pdf")))),
    ),
    "a file within another to open": (
        "launch",
        lambda: changed(_first_page(Dictionary(S=Name.GoToE, F=String("a.pdf")))),
    ),
    **{
        f"a link to {address}": (
            "launch",
            lambda address=address: changed(  # type: ignore[misc]
                _first_page(Dictionary(S=Name.URI, URI=String(address)))
            ),
        )
        for address in ("javascript:alert(1)", "file:///etc/passwd", " https://x.example", "x", "")
    },
    **{
        f"a {kind}": (
            "media",
            lambda kind=kind: changed(_first_page(Dictionary(S=Name(f"/{kind}")))),  # type: ignore[misc]
        )
        for kind in ("Rendition", "Movie", "Sound")
    },
    "a page that lies elsewhere": ("embedded", lambda: changed(_elsewhere)),
    "a file on the page": (
        "embedded",
        lambda: changed(
            lambda pdf: pdf.pages[0].obj.__setitem__(
                "/Annots", Array([Dictionary(Subtype=Name.FileAttachment, Rect=[0, 0, 9, 9])])
            )
        ),
    ),
    "two things at opening": (
        "broken",
        lambda: _twice(b"/OpenAction", b"<</S/JavaScript/JS(app.alert(1))>>", b"[3 0 R/Fit]"),
    ),
    "two names for scripts": (
        "broken",
        lambda: _twice(b"/Names", b"<</JavaScript<</Names[(a)<</S/JavaScript>>]>>>>", b"<<>>"),
    ),
    "two deeds of a link": (
        "broken",
        lambda: _twice(
            b"/PieceInfo",
            b"<</S/Launch/F(calc.exe)>>",
            b"<</S/URI/URI(https://x.example)>>",
            "page",
        ),
    ),
    "two roots": ("broken", lambda: _twice(b"/Root ", b"9 0 R", b"1 0 R", "end")),
    "a program to start": (
        "launch",
        lambda: changed(_first_page(Dictionary(S=Name.Launch, F=String("cmd.exe")))),
    ),
    "a file in it": ("embedded", lambda: changed(_attach)),
    "a film": ("media", lambda: changed(_media)),
    "a form of the older kind": (
        "form",
        lambda: changed(_root("/AcroForm", Dictionary(XFA=String("<xdp/>"), Fields=Array([])))),
    ),
    "a form that sends": (
        "form",
        lambda: changed(_first_page(Dictionary(S=Name.SubmitForm, F=String("https://x.example")))),
    ),
    "a form that takes in": (
        "form",
        lambda: changed(_first_page(Dictionary(S=Name.ImportData, F=String("a.fdf")))),
    ),
    "hundreds of megabytes in a few bytes": ("too_complex", lambda: changed(_bomb)),
    "the same, packed twice": ("too_complex", lambda: changed(_bomb_twice)),
    "a hundred thousand objects": ("too_complex", lambda: changed(_many_objects, **PACKED)),
    "three hundred brackets": ("too_complex", lambda: _nested(300)),
    "five thousand brackets": ("broken", lambda: _nested(5000)),
    "one byte too many": ("too_large", lambda: of_size(10 * MEBIBYTE + 1)),
}

GOOD: dict[str, Callable[[], bytes]] = {
    "a letter": good,
    "twenty pages": lambda: good(pages=20),
    "objects in streams": lambda: changed(lambda _: None, **PACKED),
    "a link to the web": lambda: changed(
        _first_page(Dictionary(S=Name.URI, URI=String("https://clinique.example")))
    ),
    "a first page to show": lambda: changed(
        lambda pdf: pdf.Root.__setitem__("/OpenAction", Array([pdf.pages[0].obj, Name.Fit]))
    ),
    "the number of a first page": lambda: changed(_root("/OpenAction", Array([0, Name.Fit]))),
    "chapters and links": _report,
    "chapters and links, saved again": lambda: _saved_again(_report()),
    "chapters and links, packed": lambda: _saved_again(_report(), **PACKED),
    "chapters and links, made for the web": lambda: _saved_again(_report(), linearize=True),
    "written by hand": lambda: _twice(b"", b"", b""),
    "objects in a circle": lambda: changed(_ring),
    "blanks behind": lambda: good() + b"\r\n \0\n",
    "ten mebibytes": lambda: of_size(10 * MEBIBYTE),
}

BAD_NAMES = ("resultats.exe", "a.pdf.html", "", ".", "a.pdf/", "a\u202efdp.exe", "pdf")
NAMES = {
    "Résultats.pdf": "Résultats.pdf",
    "../../x.pdf": "x.pdf",
    "..\\..\\windows\\x.PDF": "x.pdf",
    'a".pdf': 'a".pdf',
    "a\r\nSet-Cookie: x.pdf": "a Set-Cookie: x.pdf",
    "fac\u202eture\u2066.pdf": "facture.pdf",
    "e\u0301te\u0301.pdf": "été.pdf",
    "a" * 4000 + ".pdf": "a" * 116 + ".pdf",
    "a\0b.pdf": "a b.pdf",
    "  bilan   sanguin .pdf": "bilan sanguin.pdf",
    ".pdf": "document.pdf",
    "..pdf": "document.pdf",
}
