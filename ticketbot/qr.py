"""QR codes (ISO/IEC 18004, level M): as a picture, as a data URI, in a terminal."""

from __future__ import annotations

import base64
import struct
import zlib

from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode

BORDER = 4
# Trying all eight masks is four fifths of the work; any of them makes a valid symbol.
MASK = 3
BLOCKS = {(True, True): " ", (True, False): "▄", (False, True): "▀", (False, False): "█"}


def modules(text: str, border: int = BORDER) -> list[list[bool]]:
    """The symbol's rows of modules, True for dark, with `border` light ones around them."""
    code = QRCode(error_correction=ERROR_CORRECT_M, border=border, mask_pattern=MASK)
    code.add_data(text, optimize=0)
    code.make(fit=True)
    return code.get_matrix()


def png(text: str, scale: int = 8, border: int = BORDER) -> bytes:
    """A black and white PNG of `text`, each module `scale` pixels wide."""
    rows = modules(text, border)
    side = len(rows) * scale
    width = -(-side // 8)
    same_again = (b"\2" + bytes(width)) * (scale - 1)  # filter 2: what differs from the line above
    lines = bytearray()
    for row in rows:
        bits = "".join(("0" if dark else "1") * scale for dark in row).ljust(width * 8, "0")
        lines += b"\0" + int(bits, 2).to_bytes(width, "big")
        lines += same_again
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)  # 1 bit a pixel, grey
    body = zlib.compress(lines, 6)
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")
    )


def data_uri(picture: bytes) -> str:
    """A PNG as a `data:` URI (RFC 2397)."""
    return "data:image/png;base64," + base64.b64encode(picture).decode()


def terminal(text: str, border: int = BORDER, colour: bool = False) -> str:
    """The code in half blocks, two rows of modules a line, ink for the light ones.

    That is right where the terminal is dark; `colour` sets white on black (ECMA-48), which
    is right in all terminals and wrong in files.
    """
    rows = modules(text, border)
    if len(rows) % 2:
        rows.append([True] * len(rows))
    on, off = ("\x1b[97;40m", "\x1b[0m") if colour else ("", "")
    lines = (
        "".join(BLOCKS[upper, lower] for upper, lower in zip(top, bottom, strict=True))
        for top, bottom in zip(rows[::2], rows[1::2], strict=True)
    )
    return "\n".join(f"{on}{line}{off}" for line in lines)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
