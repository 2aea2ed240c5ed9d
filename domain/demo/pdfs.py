"""The demonstration's papers and invoices, on the clinic's letterhead."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.utils import simpleSplit
from reportlab.pdfgen.canvas import Canvas

from domain.demo.data import clinic
from domain.demo.data.communications import Bill, Item, Paper

MONTHS = (
    *("janvier", "février", "mars", "avril", "mai", "juin"),
    *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
)
PLAIN, BOLD = "Helvetica", "Helvetica-Bold"
TEAL, INK, GREY, LINE = (
    HexColor(colour) for colour in ("#0c5c63", "#16262b", "#56666b", "#d8d4ca")
)
WIDTH, HEIGHT = LETTER
LEFT, RIGHT, TOP = 64.0, WIDTH - 64.0, HEIGHT - 64.0
GST, QST = 5_000, 9_975  # in thousandths of a percent
WHOLE = 100_000


@dataclass(frozen=True, slots=True)
class Totals:
    """In cents; each tax of its own sum, rounded once."""

    before: int
    gst: int
    qst: int

    @property
    def due(self) -> int:
        return self.before + self.gst + self.qst


def totals(items: Sequence[Item]) -> Totals:
    taxed = sum(item.cents for item in items if item.is_taxed)
    before = sum(item.cents for item in items)
    gst, qst = ((taxed * rate + WHOLE // 2) // WHOLE for rate in (GST, QST))
    return Totals(before, gst, qst)


def paper(file: Paper, patient: str, day: date) -> bytes:
    sheet = Sheet(file.title, patient, day)
    for paragraph in file.text:
        sheet.write(paragraph, after=8)
    return sheet.finished()


def invoice(file: Bill, number: str, patient: str, day: date) -> bytes:
    sheet = Sheet(f"Facture {number}", patient, day)
    for label, amount, is_strong in lines(file.items):
        sheet.row(label, amount, is_strong=is_strong)
    sheet.skip(14)
    sheet.write("Payée. Merci ! Conservez cette facture pour votre assureur ou vos impôts.")
    return sheet.finished()


def lines(items: Sequence[Item]) -> Iterator[tuple[str, str, bool]]:
    sums = totals(items)
    yield from ((item.what, money(item.cents), False) for item in items)
    if sums.gst or sums.qst:
        yield "Sous-total", money(sums.before), False
        yield "TPS (5 %)", money(sums.gst), False
        yield "TVQ (9,975 %)", money(sums.qst), False
    yield "Total", money(sums.due), True


def money(cents: int) -> str:
    return f"{cents // 100},{cents % 100:02}\u00a0$"


def written(day: date) -> str:
    first = "1er" if day.day == 1 else str(day.day)
    return f"{first} {MONTHS[day.month - 1]} {day.year}"


class Sheet:
    """One page, written from its top."""

    def __init__(self, title: str, patient: str, day: date) -> None:
        self._content = BytesIO()
        self._canvas = Canvas(self._content, pagesize=LETTER, invariant=1, lang="fr-CA")
        self._canvas.setTitle(title)
        self._canvas.setAuthor(clinic.NAME)
        self._canvas.setCreator(clinic.NAME)
        self._canvas.setProducer(clinic.NAME)
        self._y = TOP
        self._letterhead()
        self.write(patient, font=BOLD, size=12)
        self.write(f"Montréal, le {written(day)}", colour=GREY, after=20)
        self.write(title, font=BOLD, size=18, colour=TEAL, after=14)

    def write(
        self,
        text: str,
        *,
        font: str = PLAIN,
        size: float = 11,
        colour: Color = INK,
        after: float = 0,
    ) -> None:
        self._canvas.setFillColor(colour)
        self._canvas.setFont(font, size)
        for line in simpleSplit(text, font, size, RIGHT - LEFT):
            self.skip(size * 1.45)
            self._canvas.drawString(LEFT, self._y, line)
        self.skip(after)

    def row(self, label: str, amount: str, *, is_strong: bool) -> None:
        self.skip(24)
        self._canvas.setFillColor(INK)
        self._canvas.setFont(BOLD if is_strong else PLAIN, 12 if is_strong else 11)
        self._canvas.drawString(LEFT, self._y, label)
        self._canvas.drawRightString(RIGHT, self._y, amount)
        self._rule(self._y - 8, LINE)

    def skip(self, points: float) -> None:
        self._y -= points

    def finished(self) -> bytes:
        self._canvas.showPage()
        self._canvas.save()
        return self._content.getvalue()

    def _letterhead(self) -> None:
        phone = clinic.PHONE
        said = f"({phone[2:5]}) {phone[5:8]}-{phone[8:]}"
        self.write(clinic.NAME, font=BOLD, size=20, colour=TEAL)
        self.write(f"{clinic.ADDRESS}  ·  {said}", size=9, colour=GREY, after=12)
        self._rule(self._y, TEAL)
        self.skip(12)

    def _rule(self, y: float, colour: Color) -> None:
        self._canvas.setStrokeColor(colour)
        self._canvas.setLineWidth(0.8)
        self._canvas.line(LEFT, y, RIGHT, y)
