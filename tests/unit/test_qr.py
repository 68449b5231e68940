"""QR codes: small, and read back by a decoder that is not ours."""

from __future__ import annotations

import base64
import io
import random

import zxingcpp
from PIL import Image

from ticketbot import qr
from ticketbot.domain.ticket import Claims, TicketKey

KEY = TicketKey.from_bytes(bytes(range(32)))


def some_token(seed: int = 1) -> str:
    rng = random.Random(seed)
    ticket_id = base64.b32encode(rng.randbytes(10)).decode().lower()
    times = (1_800_000_000, 1_810_000_000)
    return KEY.sign(
        Claims(ticket_id, rng.randbytes(8), rng.randbytes(16), *times, rng.randbytes(8), 1)
    )


def read(picture: Image.Image) -> str:
    (code,) = zxingcpp.read_barcodes(picture)
    return code.text


def test_a_ticket_is_a_code_of_version_8() -> None:
    side = len(qr.modules(some_token(), border=0))
    assert (side - 17) // 4 <= 8


def test_pictures_are_read_back_and_small() -> None:
    for seed in range(50):
        token = some_token(seed)
        picture = qr.png(token)
        assert len(picture) <= 3_000
        with Image.open(io.BytesIO(picture)) as image:
            image.verify()
        with Image.open(io.BytesIO(picture)) as image:
            assert image.size == (456, 456)
            assert read(image) == token


def test_every_scale_and_border_draws_the_same_code() -> None:
    for scale in (1, 3, 5, 10):
        with Image.open(io.BytesIO(qr.png("lnbc1", scale, border=2))) as image:
            rows = qr.modules("lnbc1", border=2)
            assert image.size == (len(rows) * scale,) * 2
            dots = [
                [image.getpixel((x * scale, y * scale)) == 0 for x in range(len(rows))]
                for y in range(len(rows))
            ]
            assert dots == rows


def test_the_code_is_surrounded_by_quiet() -> None:
    rows = qr.modules(some_token())
    edge = [*rows[:4], *rows[-4:], *(row[:4] + row[-4:] for row in rows)]
    assert not any(any(row) for row in edge)


def test_a_picture_as_an_address() -> None:
    picture = qr.png("hello")
    head, _, body = qr.data_uri(picture).partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(body, validate=True) == picture


def drawn(text: str) -> Image.Image:
    """What a dark terminal shows: each character one module wide and two high."""
    inks = {" ": (0, 0), "▄": (0, 255), "▀": (255, 0), "█": (255, 255)}
    lines = text.split("\n")
    image = Image.new("L", (len(lines[0]), 2 * len(lines)), 0)
    for y, line in enumerate(lines):
        for x, character in enumerate(line):
            for half in (0, 1):
                image.putpixel((x, 2 * y + half), inks[character][half])
    return image.resize((image.width * 6, image.height * 6), Image.Resampling.NEAREST)


def test_a_terminal_shows_a_code_that_is_read_back() -> None:
    token = some_token()
    text = qr.terminal(token)
    assert max(map(len, text.split("\n"))) <= 80
    assert read(drawn(text)) == token


def test_colours_make_it_right_on_a_light_terminal_too() -> None:
    coloured = qr.terminal("hello", colour=True)
    lines = [f"\x1b[97;40m{line}\x1b[0m" for line in qr.terminal("hello").split("\n")]
    assert coloured.split("\n") == lines
