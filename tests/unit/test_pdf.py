"""The printed ticket, looked at: its square is read, its words are there, and nothing runs over."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pypdfium2
import pytest
import zxingcpp
from PIL import Image, ImageOps

from tests.unit.test_qr import some_token
from tests.unit.test_texts import MANY, listing, outcomes
from ticketbot.domain.ticket import group_id
from ticketbot.replies.outcome import TicketShown
from ticketbot.replies.pdf import printable, ticket_pdf

EVENT = replace(
    listing("W"),
    title="Noche de fado: mañana será otro día",
    place="Praça do Comércio 12, Lisboa",
    timezone="Europe/Lisbon",
    end=1_804_197_600,
)


def ticket(**event: object) -> TicketShown:
    shown = outcomes(listing("W", MANY))["ticket"]
    assert isinstance(shown, TicketShown)
    one = replace(EVENT, **event)  # type: ignore[arg-type]
    return replace(shown, listing=one, token=some_token(), tier="VIP", ticket_id="aebagbafaydqqcik")


def picture(page: bytes, scale: float = 3) -> Image.Image:
    document = pypdfium2.PdfDocument(page)
    assert len(document) == 1
    drawn: Image.Image = document[0].render(scale=scale).to_pil().convert("L")
    return drawn


def words(page: bytes) -> str:
    text: str = pypdfium2.PdfDocument(page)[0].get_textpage().get_text_bounded()
    return " ".join(text.split())


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_the_square_is_read_from_the_picture(scale: float) -> None:
    shown = ticket()
    (code,) = zxingcpp.read_barcodes(picture(ticket_pdf(shown), scale))
    assert code.text == shown.token


def test_all_that_a_door_asks_for_is_in_words() -> None:
    said = words(ticket_pdf(ticket(), "Lisbon Tickets"))
    for part in (
        "Noche de fado: mañana será otro día",
        "Praça do Comércio 12, Lisboa",
        "Thu 4 Mar 2027, 19:00–22:00",
        "VIP",
        "Lisbon Tickets",
        "TICKET",
        group_id("aebagbafaydqqcik"),
    ):
        assert part in said


def test_it_speaks_the_holders_language() -> None:
    said = words(ticket_pdf(ticket(), language="es"))
    assert "ENTRADA" in said and "jueves 4 mar 2027" in said
    assert "Enseña este código en la puerta" in said


def test_the_proof_of_the_holder_is_not_on_it() -> None:
    shown = ticket()
    page = ticket_pdf(shown)
    assert shown.salt.hex() not in words(page)
    assert shown.salt.hex().encode() not in page


@pytest.mark.parametrize("letter", ["W", "i", "é", "Ж", "Ω"])
def test_the_longest_texts_stay_on_the_page(letter: str) -> None:
    longest = listing(letter)
    names = {"title": longest.title, "place": longest.place, "timezone": longest.timezone}
    shown = replace(ticket(**names), tier=letter * 40)
    drawn = picture(ticket_pdf(shown, letter * 60))
    left, top, right, bottom = ImageOps.invert(drawn).getbbox() or (0, 0, 0, 0)
    margin = 8 / 25.4 * 72 * 3
    assert left >= margin and top >= margin
    assert right <= drawn.width - margin and bottom <= drawn.height - margin
    (code,) = zxingcpp.read_barcodes(drawn)
    assert code.text == shown.token


@pytest.mark.parametrize("script", ["東京の夜", "🎉🎉", "ليلة", "<script>", "=cmd|' /C calc'!A0"])
def test_what_the_fonts_lack_is_left_out_and_the_ticket_is_good(script: str) -> None:
    shown = ticket(title=script, place=script)
    page = ticket_pdf(shown)
    (code,) = zxingcpp.read_barcodes(picture(page))
    assert code.text == shown.token
    assert group_id(shown.ticket_id) in words(page)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Ćao, świat — ½ €", "Ćao, świat — ½ €"),
        ("Ночь Νύχτα", "Ночь Νύχτα"),
        ("Party 🎉 night", "Party night"),
        ("Ｆｕｌｌ width", "Full width"),
        ("e\u0301te\u0301", "été"),
        ("Shibuya 東京都渋谷区道玄坂", ""),
        ("東京", ""),
        ("", ""),
    ],
)
def test_what_is_printable(text: str, kept: str) -> None:
    assert printable(text) == kept


def test_the_same_ticket_is_the_same_page() -> None:
    assert ticket_pdf(ticket()) == ticket_pdf(ticket())


def test_who_prints_nothing_pays_nothing() -> None:
    """The makers of PDF take half a second and 20 MB to load."""
    asked = "import sys, ticketbot.app; print(sum(n in sys.modules for n in ('fpdf', 'fontTools')))"
    loaded = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True)
    assert loaded.stdout == "0\n", loaded.stderr
