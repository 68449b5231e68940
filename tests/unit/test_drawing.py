"""The picture of an event's sales, looked at pixel by pixel where it matters."""

from __future__ import annotations

import io
from datetime import date, timedelta

import pytest
from PIL import Image, ImageColor

from ticketbot import drawing
from ticketbot.domain.chart import Day, Picture, Share

WORDS = {
    "days": "Tickets by day",
    "tiers": "By tier",
    "nothing": "Nothing sold yet",
    "sold": "sold",
    "held": "held",
}


ALL = (Share("All", 3, 1, 8),)


def picture(
    *sold: int, shares: tuple[Share, ...] = (Share("All", 3, 1, 8),), **more: str
) -> Picture:
    days = tuple(Day(date(2027, 3, 1) + timedelta(n), one, 0) for n, one in enumerate(sold))
    figures = (("sold", "3 / 8"), ("yours", "15,000 sats"), ("held", "1"))
    given = {"title": "Lisbon Meetup", "subtitle": "Mon 1 Mar 2027 · on sale"} | more
    return Picture(figures=figures, days=days, shares=shares, words=WORDS, **given)


def drawn(one: Picture) -> Image.Image:
    return Image.open(io.BytesIO(drawing.png(one))).convert("RGB")


def inked(image: Image.Image, colour: str, box: tuple[int, int, int, int]) -> int:
    """How many pixels of a part have nearly this colour."""
    wanted = ImageColor.getrgb(colour)
    raw = image.crop(box).tobytes()
    pixels = zip(raw[::3], raw[1::3], raw[2::3], strict=True)
    return sum(all(abs(a - b) < 12 for a, b in zip(pixel, wanted, strict=True)) for pixel in pixels)


PLOT = (
    drawing.LEFT + 52,
    drawing.PLOT_TOP,
    drawing.RIGHT,
    drawing.PLOT_TOP + drawing.PLOT_HIGH - 3,
)


def test_twice_as_many_tickets_are_twice_as_high() -> None:
    image = drawn(picture(2, 4))
    best, other = (inked(image, colour, PLOT) for colour in (drawing.ACCENT, drawing.GLOW))
    assert 1.8 < best / other < 2.2


def test_what_is_sold_fills_its_part_of_the_bar() -> None:
    tiers = (0, drawing.TIERS_TOP + 20, drawing.WIDTH, drawing.TIERS_TOP + 70)
    half = drawn(picture(1, shares=(Share("VIP", 4, 0, 8),)))
    full = drawn(picture(1, shares=(Share("VIP", 8, 0, 8),)))
    assert 1.8 < inked(full, drawing.ACCENT, tiers) / inked(half, drawing.ACCENT, tiers) < 2.2


def test_nothing_sold_has_no_bars() -> None:
    assert inked(drawn(picture()), drawing.ACCENT, PLOT) == 0


@pytest.mark.parametrize(
    "title",
    ["W" * 120, "東京の夜", "🎸", "<script>alert(1)</script>", "\u202eevil\x00", ""],
)
def test_odd_titles_stay_on_the_card(title: str) -> None:
    image = drawn(picture(1, 2, 3, title=title, shares=(Share(title, 1, 0, None),)))
    margin = (drawing.WIDTH - drawing.EDGE + 1, 0, drawing.WIDTH, image.height)
    assert inked(image, drawing.INK, margin) == 0


def test_all_tiers_a_note_can_have_find_room() -> None:
    few = drawn(picture(1))
    many = drawn(picture(1, shares=tuple(Share(f"T{n}", n, 0, 20) for n in range(11))))
    assert many.height == few.height + 10 * drawing.ROW_HIGH


def test_the_same_figures_are_the_same_bytes() -> None:
    assert drawing.png(picture(1, 2)) == drawing.png(picture(1, 2))


@pytest.mark.parametrize(
    ("most", "scale"), [(1, (1, 1)), (4, (4, 1)), (5, (6, 2)), (9, (10, 5)), (41, (60, 20))]
)
def test_the_scale_is_one_that_people_read(most: int, scale: tuple[int, int]) -> None:
    assert drawing._round_up(most) == scale
