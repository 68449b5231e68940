"""`verify`: exit code 0 for a valid ticket, 1 for any other, and why."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.unit.cli_house import BotHouse, Ran, Sold, one_sentence, run
from ticketbot.domain.jwt_ticket import sign_jwt
from ticketbot.domain.ticket import Claims, TicketKey, read_token, token_hash
from ticketbot.ledger import tickets


def claims(house: BotHouse, token: str) -> Claims:
    return read_token(token, house.ticket_key.public)


def not_valid(ran: Ran, *parts: str) -> None:
    assert (ran.code, ran.err) == (1, ""), ran
    assert ran.out.startswith("NOT VALID: "), ran
    for part in parts:
        assert part in ran.out, ran


def set_state(house: BotHouse, ticket_id: str, what: str) -> None:
    house.change(lambda tx: tx.change(f"UPDATE ticket SET {what} WHERE id = ?", (ticket_id,)))


def test_a_valid_ticket(house: BotHouse, sold: Sold) -> None:
    for token in sold.tokens:
        ran = house.calls("verify", token)
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.startswith("valid\n")
        assert "Lisbon Meetup" in ran.out
    data = house.calls("verify", "--json", sold.tokens[0]).data
    assert (data["valid"], data["reason"], data["checked"]) == (True, None, "ledger")
    assert data["ticket_id"] == claims(house, sold.tokens[0]).ticket_id


def test_a_jwt_is_a_ticket_too(house: BotHouse, sold: Sold) -> None:
    text = sign_jwt(claims(house, sold.tokens[0]), house.ticket_key)
    ran = house.calls("verify", text)
    assert (ran.code, ran.err, ran.out[:6]) == (0, "", "valid\n")
    set_state(house, claims(house, sold.tokens[0]).ticket_id, "version = 2")
    not_valid(house.calls("verify", text), "replaced")
    other = sign_jwt(claims(house, sold.tokens[0]), TicketKey.from_bytes(bytes(32)))
    not_valid(house.calls("verify", other), "not genuine")
    head, body, _ = text.split(".")
    not_valid(house.calls("verify", f"{head}.{body}."))


@pytest.mark.parametrize(
    "form",
    [
        "{token}",
        "{lower}",
        "https://tickets.example/t#{token}&e=Lisbon%20Meetup",
        "  {half}\n{rest}  ",
    ],
)
def test_every_form_in_which_a_ticket_comes(form: str, house: BotHouse, sold: Sold) -> None:
    token = sold.tokens[0]
    text = form.format(token=token, lower=token.lower(), half=token[:90], rest=token[90:])
    assert house.calls("verify", text).code == 0
    assert house.calls("verify", "-", stdin=text).code == 0


def test_a_bad_signature(house: BotHouse, sold: Sold) -> None:
    forged = TicketKey.from_bytes(os.urandom(32)).sign(claims(house, sold.tokens[0]))
    not_valid(house.calls("verify", forged), "not genuine")


def test_what_is_no_ticket(house: BotHouse, sold: Sold) -> None:
    token = sold.tokens[0]
    cut = token[:-1]
    for text, why in (("hello", "not a ticket"), (cut, "damaged"), ("", "not a ticket")):
        not_valid(house.calls("verify", text), why)
    not_valid(house.calls("verify", "-", stdin="x" * 100_000), "not a ticket")
    not_valid(house.calls("verify", token.replace("TKT1", "TKT2")), "newer kind")


def test_an_expired_ticket(house: BotHouse, sold: Sold) -> None:
    past = int(time.time()) - 10
    old = house.ticket_key.sign(claims(house, sold.tokens[0])._replace(expires_at=past))
    ticket_id = claims(house, old).ticket_id
    house.change(
        lambda tx: tx.change(
            "UPDATE ticket SET expires_at = ?, token_hash = ? WHERE id = ?",
            (past, token_hash(old), ticket_id),
        )
    )
    not_valid(house.calls("verify", old), "expired")


def test_a_void_ticket(house: BotHouse, sold: Sold) -> None:
    set_state(house, claims(house, sold.tokens[0]).ticket_id, "state = 'void'")
    not_valid(house.calls("verify", sold.tokens[0]), "void")
    assert house.calls("verify", sold.tokens[1]).code == 0


def test_a_rotated_ticket(house: BotHouse, sold: Sold) -> None:
    mine = claims(house, sold.tokens[0])
    newer = house.ticket_key.sign(mine._replace(version=2))
    house.change(
        lambda tx: tx.change(
            "UPDATE ticket SET version = 2, token_hash = ? WHERE id = ?",
            (token_hash(newer), mine.ticket_id),
        )
    )
    not_valid(house.calls("verify", sold.tokens[0]), "newer version")
    assert house.calls("verify", newer).code == 0


def test_a_ticket_that_this_ledger_does_not_know(house: BotHouse, sold: Sold) -> None:
    other = house.ticket_key.sign(claims(house, sold.tokens[0])._replace(ticket_id="a" * 16))
    not_valid(house.calls("verify", other), "this ledger has no such ticket")


def test_a_ticket_of_the_same_number_and_other_content(house: BotHouse, sold: Sold) -> None:
    other = house.ticket_key.sign(claims(house, sold.tokens[0])._replace(nonce=b"12345678"))
    not_valid(house.calls("verify", other), "not the one in this ledger")


def test_a_ticket_that_was_used(house: BotHouse, sold: Sold) -> None:
    ticket_id = claims(house, sold.tokens[0]).ticket_id
    set_state(house, ticket_id, "state = 'admitted'")
    not_valid(house.calls("verify", sold.tokens[0]), "used")
    set_state(house, ticket_id, "state = 'out'")
    not_valid(house.calls("verify", sold.tokens[0]), "used")
    assert house.change(lambda tx: tickets.get(tx, ticket_id)) is not None


def test_without_a_ledger_only_signature_and_time(house: BotHouse, sold: Sold) -> None:
    house.ledger.rename(house.folder / "elsewhere.db")
    ran = house.calls("verify", sold.tokens[0])
    assert ran.code == 0
    assert "Only signature and time were checked (there is no ledger at" in ran.out
    assert house.calls("verify", "--json", sold.tokens[0]).data["checked"] == (
        "signature and time only"
    )
    past = claims(house, sold.tokens[0])._replace(expires_at=1)
    not_valid(house.calls("verify", house.ticket_key.sign(past)), "expired")


def test_by_the_public_key_alone(house: BotHouse, sold: Sold, tmp_path: Path) -> None:
    key = house.ticket_key.public.hex()
    ran = run("verify", sold.tokens[0], "--public-key", key, cwd=tmp_path)
    assert ran.code == 0
    assert "Only signature and time were checked" in ran.out
    not_valid(run("verify", sold.tokens[0], "--public-key", "00" * 32, cwd=tmp_path), "not genuine")
    one_sentence(run("verify", "x", "--public-key", "00", cwd=tmp_path), 1, "64 hex digits")


def test_without_a_ticket_key(house: BotHouse, sold: Sold) -> None:
    (house.folder / "ticket-key").unlink()
    one_sentence(house.calls("verify", sold.tokens[0]), 1, "no ticket key")
    assert house.calls("keys", "--json").data["ticket_public_key"] is None


def test_a_ledger_of_another_bot_is_an_error_and_no_verdict(house: BotHouse, sold: Sold) -> None:
    house.write("nsec", os.urandom(32).hex())
    ran = house.calls("verify", sold.tokens[0])
    one_sentence(ran, 1, "another nsec")
    assert ran.out == ""
