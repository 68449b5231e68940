"""What is scanned or typed at a door: every form of a ticket, and nothing that only looks it."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit import test_ticket as worked
from ticketbot.domain.admission import Outcome, Shown
from ticketbot.domain.jwt_ticket import sign_jwt
from ticketbot.domain.scanning import LONGEST_GATE, objection, read_gate, read_shown
from ticketbot.domain.ticket import TicketKey, group_id, token_hash, verify_token

KEY = TicketKey.from_bytes(bytes(range(32)))
TOKEN = worked.EXAMPLE_TOKEN
ID = worked.EXAMPLE.ticket_id
HASH = token_hash(TOKEN)
FORMS = [
    TOKEN,
    TOKEN.lower(),
    f"  {TOKEN[:50]}\n{TOKEN[50:]}  ",
    f"https://tickets.example/t#{TOKEN}",
    f"https://tickets.example/t#{TOKEN.lower()}&e=Lisbon&w=1",
]


@pytest.mark.parametrize("text", FORMS)
def test_every_form_of_a_token_is_the_same_ticket(text: str) -> None:
    shown = read_shown(text, KEY.public)
    assert shown == Shown(ID, 1, HASH, TOKEN)
    assert objection(shown, None, KEY.public) is None
    assert verify_token(text, KEY.public)[0] == ID


@pytest.mark.parametrize("text", [group_id(ID), ID, f" {group_id(ID).lower()} ", " ".join(ID)])
def test_letters_say_which_ticket_and_no_more(text: str) -> None:
    assert read_shown(text, KEY.public) == Shown(ID)


def test_a_jwt_is_proven_at_once() -> None:
    good = sign_jwt(worked.EXAMPLE, KEY)
    assert read_shown(good, KEY.public) == Shown(ID, 1, claims=worked.EXAMPLE)
    other = TicketKey.from_bytes(b"x" * 32)
    assert read_shown(sign_jwt(worked.EXAMPLE, other), KEY.public) is Outcome.NOT_GENUINE


def test_what_the_ledger_has_hashed_needs_no_proof_and_nothing_else_does_without() -> None:
    other = TicketKey.from_bytes(b"x" * 32)
    forgery = other.sign(worked.EXAMPLE)
    shown = read_shown(forgery, KEY.public)
    assert isinstance(shown, Shown)
    assert shown.ticket_id == ID
    assert objection(shown, HASH, KEY.public) is Outcome.NOT_GENUINE
    assert objection(shown, None, KEY.public) is Outcome.NOT_GENUINE
    newer = read_shown(KEY.sign(worked.EXAMPLE._replace(version=2)), KEY.public)
    assert isinstance(newer, Shown)
    assert objection(newer, HASH, KEY.public) is None


@given(st.integers(0, 187), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
def test_one_other_letter_is_a_forgery(at: int, letter: str) -> None:
    changed = TOKEN[: 5 + at] + letter + TOKEN[6 + at :]
    shown = read_shown(changed, KEY.public)
    assert isinstance(shown, Shown)
    assert (objection(shown, HASH, KEY.public) is None) == (changed == TOKEN)


@given(st.text(max_size=300))
def test_any_text_has_an_answer(text: str) -> None:
    shown = read_shown(text, KEY.public)
    if isinstance(shown, Shown):
        assert len(shown.ticket_id) == 16
    else:
        assert shown in (Outcome.UNREADABLE, Outcome.NOT_GENUINE)


@given(st.text(max_size=300))
@example("ΰ")  # one letter, of which capitals make three
def test_any_gate_has_a_harmless_name(text: str) -> None:
    gate = read_gate(text)
    assert len(gate) <= LONGEST_GATE
    assert not set(gate) & set("<>&\"'`=|;\n\r\0")
    assert not gate.startswith(("=", "+", "-", "@"))
    assert read_gate(gate) == gate
