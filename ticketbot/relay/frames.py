"""Text frames as a WebSocket client sends them (RFC 6455, section 5.2).

websockets makes one frame at a time, through an object and a stream each; a batch needs neither.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

try:
    from websockets.speedups import apply_mask
except ImportError:  # a machine for which there is no wheel
    from websockets.utils import apply_mask

_TEXT, _MASKED = 0x81, 0x80  # the last frame of a text; a bit beside the length


def text_frames(messages: Sequence[bytes]) -> bytes:
    """All `messages` for one write, each in one frame under a fresh mask."""
    masks = os.urandom(4 * len(messages))
    pieces: list[bytes] = []
    for at, message in enumerate(messages):
        mask = masks[4 * at : 4 * at + 4]
        pieces += (_head(len(message)), mask, apply_mask(message, mask))
    return b"".join(pieces)


def _head(size: int) -> bytes:
    if size < 126:
        return bytes((_TEXT, _MASKED | size))
    if size < 65_536:
        return bytes((_TEXT, _MASKED | 126)) + size.to_bytes(2, "big")
    return bytes((_TEXT, _MASKED | 127)) + size.to_bytes(8, "big")
