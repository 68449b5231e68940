"""A ticket on paper, or on a phone without a network: one A6 page, black on white.

What has no letter in the fonts (DejaVu Sans: Latin, Greek, Cyrillic, Armenian, Georgian) is left
out; the code and its square are there in any case. The salt is not: whoever photographs the
page must not be able to prove that the ticket is theirs.
"""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

from ticketbot import qr
from ticketbot.domain.ticket import group_id
from ticketbot.replies.local import when_line
from ticketbot.replies.outcome import TicketShown
from ticketbot.texts import DEFAULT, say

if TYPE_CHECKING:
    from fpdf import FPDF

CONTENT_TYPE = "application/pdf"
WIDTH, HEIGHT = 105.0, 148.0  # mm: A6
MARGIN = 9.0
INNER = WIDTH - 2 * MARGIN
QR_SIDE = 62.0  # mm: a module of a version 8 symbol is more than a millimetre
PERFORATION = 62.0  # mm from the top: above it words, below it the code
TITLE_SIZES = (17.0, 15.0, 13.0, 11.0)  # points, the first in which the title takes few lines
TITLE_LINES = 2
POINT = 0.3528  # mm
LEADING = 1.28
INK, GREY, PALE = 20, 120, 185
FAMILY = "DejaVu"


class _Fact(NamedTuple):
    label: str
    value: str


def ticket_pdf(ticket: TicketShown, issuer: str = "", language: str = DEFAULT) -> bytes:
    """The page, the same bytes for the same ticket. `issuer` is the bot's name."""
    from fpdf import FPDF  # half a second and 20 MB, for whoever prints

    one = ticket.listing
    pdf = FPDF(unit="mm", format=(WIDTH, HEIGHT))
    pdf.set_auto_page_break(False)
    pdf.set_margin(0)
    pdf.c_margin = 0
    folder = resources.files("ticketbot.replies") / "fonts"
    for style, name in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
        with resources.as_file(folder / name) as path:
            pdf.add_font(FAMILY, style, path)
    label, title = say("pdf-label", language), printable(one.title)
    pdf.set_title(f"{label}: {title}" if title else label)
    pdf.set_lang(language)
    pdf.set_creation_date(datetime.fromtimestamp(one.created_at, UTC))
    pdf.set_producer("ticketbot")
    pdf.add_page()
    facts = [
        _Fact(say("pdf-when", language), printable(when_line(one, language))),
        _Fact(say("pdf-where", language), printable(one.place)),
        _Fact(say("pdf-kind", language), printable(ticket.tier)),
    ]
    _draw_head(pdf, label, printable(issuer))
    bottom = _draw_title(pdf, title or label)
    _draw_facts(pdf, bottom, [fact for fact in facts if fact.value])
    _draw_code(pdf, ticket, language)
    return bytes(pdf.output())


def printable(text: str) -> str:
    """The text as far as the fonts have it; nothing when most of its letters are missing."""
    known = _letters()
    kept, lost = "", 0
    for letter in unicodedata.normalize("NFC", text):
        if ord(letter) in known:
            kept += letter
            continue
        plain = "".join(c for c in unicodedata.normalize("NFKD", letter) if ord(c) in known)
        kept += plain
        lost += letter.isalnum() and not plain
    kept = " ".join(kept.split())
    return kept if sum(letter.isalnum() for letter in kept) > lost else ""


@cache
def _letters() -> frozenset[int]:
    """What both fonts can draw."""
    from fontTools.ttLib import TTFont

    known = []
    for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"):
        with resources.as_file(resources.files("ticketbot.replies") / "fonts" / name) as path:
            font = TTFont(path, lazy=True)
            known.append(frozenset(font.getBestCmap()))
            font.close()
    return known[0] & known[1]


def _draw_head(pdf: FPDF, label: str, issuer: str) -> None:
    _pen(pdf, 6.5, GREY, bold=True)
    pdf.set_char_spacing(1.2)
    pdf.set_xy(MARGIN, MARGIN)
    pdf.cell(INNER / 3, 3, label.upper())
    pdf.set_char_spacing(0)
    _pen(pdf, 6.5, GREY)
    pdf.set_xy(MARGIN + INNER / 3, MARGIN)
    pdf.cell(INNER * 2 / 3, 3, _cut(pdf, issuer, INNER * 2 / 3), align="R")


def _draw_title(pdf: FPDF, title: str) -> float:
    """Where it ends, in mm from the top."""
    for size in TITLE_SIZES:
        _pen(pdf, size, INK, bold=True)
        lines = _lines(pdf, title, INNER)
        if len(lines) <= TITLE_LINES:
            break
    return _write(pdf, MARGIN + 6.5, size, _few(pdf, lines, TITLE_LINES + 1, INNER))


def _draw_facts(pdf: FPDF, top: float, facts: list[_Fact]) -> None:
    """Labels in a narrow column, what they stand for beside them."""
    column, size = 15.0, 8.5
    room = PERFORATION - 3.0
    top += 3.5
    for fact in facts:
        _pen(pdf, size, INK)
        step = size * POINT * LEADING
        most = max(1, min(2, int((room - top) / step)))
        lines = _few(pdf, _lines(pdf, fact.value, INNER - column), most, INNER - column)
        if top + step > room:
            return
        _pen(pdf, 6.5, GREY)
        pdf.set_xy(MARGIN, top)
        pdf.cell(column, step, fact.label)
        _pen(pdf, size, INK)
        top = _write(pdf, top, size, lines, MARGIN + column) + 1.6


def _draw_code(pdf: FPDF, ticket: TicketShown, language: str) -> None:
    pdf.set_draw_color(PALE)
    pdf.set_line_width(0.25)
    pdf.set_dash_pattern(dash=1.2, gap=1.2)
    pdf.line(MARGIN, PERFORATION, WIDTH - MARGIN, PERFORATION)
    pdf.set_dash_pattern()
    top = PERFORATION + 4.5
    _draw_square(pdf, qr.modules(ticket.token, border=0), (WIDTH - QR_SIDE) / 2, top)
    _pen(pdf, 10.5, INK, bold=True)
    pdf.set_xy(MARGIN, top + QR_SIDE + 3.0)
    pdf.cell(INNER, 4.5, group_id(ticket.ticket_id), align="C")
    _pen(pdf, 6.5, GREY)
    pdf.set_xy(MARGIN, top + QR_SIDE + 8.2)
    pdf.cell(INNER, 3, say("pdf-show", language), align="C")


def _draw_square(pdf: FPDF, rows: list[list[bool]], left: float, top: float) -> None:
    """Runs of dark modules, each a hair too high: no light shines through between rows."""
    side = QR_SIDE / len(rows)
    pdf.set_fill_color(0)
    for y, row in enumerate(rows):
        x = 0
        while x < len(row):
            end = x
            while end < len(row) and row[end]:
                end += 1
            if end > x:
                box = (left + x * side, top + y * side, (end - x) * side, side + 0.02)
                pdf.rect(*box, style="F")
            x = end + 1


def _pen(pdf: FPDF, size: float, grey: int, *, bold: bool = False) -> None:
    pdf.set_font(FAMILY, "B" if bold else "", size)
    pdf.set_text_color(grey)


def _lines(pdf: FPDF, text: str, width: float) -> list[str]:
    found = pdf.multi_cell(width, 4, text, align="L", dry_run=True, output="LINES")
    assert isinstance(found, list)
    return found


def _few(pdf: FPDF, lines: list[str], most: int, width: float) -> list[str]:
    """At most so many lines; the last says with `…` that there were more."""
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], _cut(pdf, f"{lines[most - 1]} {lines[most]}", width)]


def _cut(pdf: FPDF, text: str, width: float) -> str:
    if pdf.get_string_width(text) <= width:
        return text
    while text and pdf.get_string_width(f"{text}…") > width:
        text = text[:-1].rstrip()
    return f"{text}…"


def _write(pdf: FPDF, top: float, size: float, lines: list[str], left: float = MARGIN) -> float:
    """Lines from the top down; where they end."""
    step = size * POINT * LEADING
    for line in lines:
        pdf.set_xy(left, top)
        pdf.cell(WIDTH - MARGIN - left, step, line)
        top += step
    return top
