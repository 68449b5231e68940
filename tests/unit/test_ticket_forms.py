"""How a ticket is written for people: its code in groups, and its link."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketbot.domain.ticket import group_id, read_id, ticket_link
from ticketbot.errors import Malformed

TOKEN = "TKT1:" + "A" * 188
ids = st.text(alphabet="abcdefghijklmnopqrstuvwxyz234567", min_size=16, max_size=16)


@given(ids)
def test_a_code_in_groups_is_read_back(ticket_id: str) -> None:
    grouped = group_id(ticket_id)
    assert [len(group) for group in grouped.split("-")] == [4, 4, 4, 4]
    assert read_id(grouped) == ticket_id
    assert read_id(f" {grouped.lower().replace('-', ' ')}\n") == ticket_id


def test_a_code_is_read_as_it_was_meant() -> None:
    assert group_id("abcdefghijklmnop") == "ABCD-EFGH-IJKL-MNOP"
    assert read_id("A8CD-EFGH-IJKL-MN0P") == "abcdefghijklmnop"


@pytest.mark.parametrize(
    "text", ["", "ABCD", "ABCD-EFGH-IJKL-MNO1", "ABCD-EFGH-IJKL-MNOP-Q", "ß" * 16]
)
def test_what_is_no_code_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Malformed, match=r"^a ticket's code .* like ABCD-EFGH-IJKL-MNOP$"):
        read_id(text)


def test_a_link_carries_the_ticket_and_the_event_in_its_fragment() -> None:
    link = ticket_link(
        "https://tickets.example/",
        TOKEN,
        title="Rock & Roll <b>#1</b>",
        start=1_803_924_000,
        timezone="Europe/Lisbon",
        place="Rua de São Bento, 1",
    )
    parts = urlsplit(link)
    assert (parts.netloc, parts.path, parts.query) == ("tickets.example", "/t", "")
    token, _, extras = parts.fragment.partition("&")
    assert token == TOKEN
    assert parse_qs(extras, strict_parsing=True) == {
        "e": ["Rock & Roll <b>#1</b>"],
        "p": ["Rua de São Bento, 1"],
        "w": ["1803924000"],
        "z": ["Europe/Lisbon"],
    }
    assert not set(link) & set(" <>\"'()[]|")


def test_a_link_without_an_event_is_the_token_alone() -> None:
    assert ticket_link("https://x.example/bot", TOKEN) == f"https://x.example/bot/t#{TOKEN}"
    assert ticket_link("https://x.example/BOX/", TOKEN) == f"https://x.example/BOX/t#{TOKEN}"
    assert ticket_link("https://x.example", TOKEN, timezone="UTC") == f"https://x.example/t#{TOKEN}"
    assert ticket_link("https://x.example", TOKEN, start=0).endswith("&w=0")


def test_a_link_does_not_end_like_a_sentence() -> None:
    assert ticket_link("https://x.example", TOKEN, place="Rua A, n.").endswith("n%2E")


def test_long_texts_are_cut_and_lines_joined() -> None:
    link = ticket_link("https://x.example", TOKEN, title="a\nb " + "long " * 100)
    title = parse_qs(urlsplit(link).fragment)["e"][0]
    assert title.startswith("a b long")
    assert title.endswith("long…")
    assert len(title) <= 80


def test_a_text_that_just_fits_is_whole() -> None:
    def title(text: str) -> str:
        link = ticket_link("https://x.example", TOKEN, title=text)
        return parse_qs(urlsplit(link).fragment)["e"][0]

    assert title("x" * 80) == "x" * 80
    assert title("x" * 81) == "x" * 79 + "…"
