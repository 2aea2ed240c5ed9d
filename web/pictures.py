"""Text as a picture that a telephone reads."""

from markupsafe import Markup


def picture_of(text: str) -> Markup:
    import segno  # 4 MB, for those few who switch the second step on

    made = segno.make(text, error="m", micro=False)
    drawn = made.svg_inline(border=4, light="#fff", omitsize=True, svgclass="qr", lineclass=None)
    return Markup(drawn)  # noqa: S704 - squares, and nothing of what was typed
