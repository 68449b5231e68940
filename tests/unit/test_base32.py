"""Our base32 is everybody's base32."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketbot.domain import base32


@given(st.binary(min_size=1, max_size=200))
def test_it_is_that_of_the_standard_library(data: bytes) -> None:
    text = base32.encode(data)
    assert text == base64.b32encode(data).decode().rstrip("=")
    assert base32.decode(text) == base32.decode(text.lower()) == data


@pytest.mark.parametrize("text", ["", "a0", "a1", "a8", "a9", "a_a", "aa ", "+a", "aa==", "aé"])
def test_other_letters_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        base32.decode(text)
