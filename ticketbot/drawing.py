"""An event's sales as a picture: a card that looks like the bot's tickets, as PNG.

Drawn at twice its size and made smaller, so that edges are smooth. What has no letter in the
font (DejaVu Sans) is left out.
"""

from __future__ import annotations

import io
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from ticketbot.domain.chart import Picture, Share, bars_of

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

WIDTH = 1000
SHARPER = 2
EDGE, INSIDE = 32, 48
LEFT, RIGHT = EDGE + INSIDE, WIDTH - EDGE - INSIDE
TEAR = 292  # where the card can be torn: above it figures, below it bars
PLOT_TOP, PLOT_HIGH = 404, 220
TIERS_TOP = 712
ROW_HIGH = 52
MOST_ROWS = 11
MOST_BARS = 60

PAGE, CARD, INK = "#efece6", "#fffdf9", "#1d1b18"
SOFT, LINE, TRACK = "#6b665e", "#d8d2c6", "#eeeae2"
ACCENT, GLOW = "#4b3a9b", "#a99ee0"


def png(picture: Picture) -> bytes:
    """The picture's bytes; a fifth of a second of work, for a thread of its own."""
    from PIL import Image, ImageDraw  # 10 MB, for bots whose organizers ask for pictures

    rows = picture.shares[:MOST_ROWS]
    height = TIERS_TOP + 28 + ROW_HIGH * len(rows) + 66 + EDGE
    canvas = Image.new("RGB", (WIDTH * SHARPER, height * SHARPER), PAGE)
    pen = _Pen(ImageDraw.Draw(canvas))
    _card(pen, height)
    _head(pen, picture)
    _bars(pen, picture)
    _tiers(pen, picture, rows)
    _legend(pen, picture, height - EDGE - 40)
    out = io.BytesIO()
    small = canvas.resize((WIDTH, height), Image.Resampling.LANCZOS)
    small.quantize(128).save(out, "PNG", optimize=True)
    return out.getvalue()


class _Pen:
    """Draws in the picture's own pixels."""

    def __init__(self, draw: ImageDraw) -> None:
        self._draw = draw

    def box(
        self,
        x: float,
        y: float,
        wide: float,
        high: float,
        fill: str,
        round_: float,
        *,
        standing: bool = False,
    ) -> None:
        """A filled rectangle with round corners, `standing` above only; nothing without a size."""
        if wide < 1 or high < 1:
            return
        corner = min(round_, wide / 2, high / 2) * SHARPER
        area = _scaled(x, y, x + wide, y + high)
        corners = (True, True, not standing, not standing)
        self._draw.rounded_rectangle(area, corner, fill, corners=corners)

    def dot(self, x: float, y: float, radius: float, fill: str) -> None:
        """A filled circle."""
        self._draw.ellipse(_scaled(x - radius, y - radius, x + radius, y + radius), fill)

    def line(self, x: float, y: float, until: float, fill: str, wide: int = 1) -> None:
        """A level line."""
        self._draw.line(_scaled(x, y, until, y), fill, wide * SHARPER)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: int,
        fill: str,
        *,
        at: str = "ls",
        bold: bool = False,
    ) -> None:
        """Words on the base line y; `at` as Pillow anchors text: ls, ms, rs."""
        place = (x * SHARPER, y * SHARPER)
        self._draw.text(place, _readable(text, bold), fill, _font(size, bold), at)

    def fitting(self, text: str, size: int, room: float, *, bold: bool = False) -> str:
        """As much of the text as the room takes."""
        font, text = _font(size, bold), _readable(text, bold)
        if font.getlength(text) <= room * SHARPER:
            return text
        while text and font.getlength(f"{text}…") > room * SHARPER:
            text = text[:-1]
        return f"{text.rstrip()}…"


def _card(pen: _Pen, height: int) -> None:
    pen.box(EDGE, EDGE, WIDTH - 2 * EDGE, height - 2 * EDGE, CARD, 22)
    for x in (EDGE, WIDTH - EDGE):
        pen.dot(x, TEAR, 15, PAGE)
    for x in range(EDGE + 30, WIDTH - EDGE - 30, 14):
        pen.line(x, TEAR, x + 6, LINE, 2)


def _head(pen: _Pen, picture: Picture) -> None:
    pen.box(LEFT, EDGE + 40, 6, 60, ACCENT, 3)
    room = RIGHT - LEFT - 24
    size = 34 if _fit([picture.title], 34, room) else 26
    title = pen.fitting(picture.title, size, room, bold=True)
    pen.text(LEFT + 24, EDGE + 66, title, size, INK, bold=True)
    pen.text(LEFT + 24, EDGE + 98, pen.fitting(picture.subtitle, 19, room), 19, SOFT)
    step = (RIGHT - LEFT) / len(picture.figures)
    amounts = [amount for _, amount in picture.figures]
    size = next((s for s in (44, 36, 30, 24, 18) if _fit(amounts, s, step - 20)), 12)
    for number, (what, amount) in enumerate(picture.figures):
        x = LEFT + step * number
        pen.text(x, 206, amount, size, ACCENT if number == 0 else INK, bold=True)
        pen.text(x, 238, pen.fitting(what, 18, step - 20), 18, SOFT)


def _fit(texts: list[str], size: int, room: float) -> bool:
    font = _font(size, True)
    return all(font.getlength(text) <= room * SHARPER for text in texts)


def _bars(pen: _Pen, picture: Picture) -> None:
    pen.text(LEFT, PLOT_TOP - 44, picture.words["days"], 19, INK, bold=True)
    bottom = PLOT_TOP + PLOT_HIGH
    bars = bars_of(picture.days, MOST_BARS)
    most = max(bars.values) if bars else 0
    if bars is None or not most:
        pen.line(LEFT, bottom, RIGHT, LINE, 2)
        middle = (LEFT + RIGHT) / 2
        pen.text(middle, bottom - 80, picture.words["nothing"], 20, SOFT, at="ms")
        return
    top, each = _round_up(most)
    for value in range(0, top + 1, each):
        y = bottom - PLOT_HIGH * value / top
        pen.line(LEFT + 52, y, RIGHT, LINE, 2 if value == 0 else 1)
        pen.text(LEFT + 38, y + 6, picture.counted(value), 16, SOFT, at="rs")
    step = (RIGHT - LEFT - 60) / max(len(bars.values), 7)
    for number, value in enumerate(bars.values):
        high = PLOT_HIGH * value / top
        best = value == most
        x = LEFT + 56 + step * number
        colour = ACCENT if best else GLOW
        pen.box(x + step * 0.14, bottom - high, step * 0.72, high, colour, 5, standing=True)
    months = picture.words["months"].split()
    first, last = (f"{one.day} {months[one.month - 1]}" for one in (bars.first, bars.last))
    pen.text(LEFT + 56, bottom + 28, first, 16, SOFT)
    if first != last:
        end = LEFT + 56 + step * len(bars.values)
        pen.text(max(end, LEFT + 180), bottom + 28, last, 16, SOFT, at="rs")


def _round_up(most: int) -> tuple[int, int]:
    """The top of the scale, and the steps on the way: 1, 2 or 5 with noughts."""
    each = 1
    while each * 4 < most:
        each = each * 5 // 2 if str(each)[0] == "2" else each * 2
    return -(-most // each) * each, each


def _tiers(pen: _Pen, picture: Picture, rows: tuple[Share, ...]) -> None:
    pen.text(LEFT, TIERS_TOP, picture.words["tiers"], 19, INK, bold=True)
    widest = max((one.sold + one.held for one in rows), default=0)
    bar, room = LEFT + 220, RIGHT - LEFT - 220 - 130
    for number, one in enumerate(rows):
        y = TIERS_TOP + 28 + ROW_HIGH * number
        full = 2 * max(widest, 1) if one.capacity is None else max(one.capacity, 1)
        pen.text(LEFT, y + 22, pen.fitting(one.name, 18, 200), 18, INK)
        pen.box(bar, y + 4, room, 24, TRACK, 8)
        pen.box(bar, y + 4, room * min(1, (one.sold + one.held) / full), 24, GLOW, 8)
        pen.box(bar, y + 4, room * min(1, one.sold / full), 24, ACCENT, 8)
        taken = [number for number in (one.sold, one.capacity) if number is not None]
        shown = " / ".join(map(picture.counted, taken))
        pen.text(RIGHT, y + 22, shown, 18, SOFT, at="rs")


def _legend(pen: _Pen, picture: Picture, y: float) -> None:
    x = LEFT + 220.0
    for word, colour in ((picture.words["sold"], ACCENT), (picture.words["held"], GLOW)):
        pen.dot(x + 6, y - 6, 6, colour)
        pen.text(x + 22, y, word, 16, SOFT)
        x += 60 + _font(16, False).getlength(word) / SHARPER


def _scaled(*places: float) -> tuple[float, ...]:
    return tuple(place * SHARPER for place in places)


@cache
def _font(size: int, bold: bool) -> FreeTypeFont:
    from PIL import ImageFont

    return ImageFont.truetype(io.BytesIO(_file(bold)), size * SHARPER)


@cache
def _file(bold: bool) -> bytes:
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return (resources.files("ticketbot.replies") / "fonts" / name).read_bytes()


@cache
def _missing(bold: bool) -> bytes:
    return bytes(_font(18, bold).getmask("\uffff"))


def _readable(text: str, bold: bool) -> str:
    """The text without what the font can only draw as a box."""
    font = _font(18, bold)
    kept = (c for c in text if c == " " or bytes(font.getmask(c)) != _missing(bold))
    return " ".join("".join(kept).split())
