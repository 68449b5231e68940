"""How tickets are handed on in the stories, and whether the door would take them."""

from __future__ import annotations

from hashlib import sha256

from tests.story.cast import Person, Stage
from tests.story.memory import rows
from ticketbot.domain.nip19 import npub_encode
from ticketbot.domain.ticket import group_id, read_token


def code_of(stage: Stage, token: str) -> str:
    """A ticket's code as people read it."""
    return group_id(read_token(token, stage.app.desk.ticket_public_key).ticket_id)


def npub(person: Person) -> str:
    return npub_encode(person.pubkey)


async def is_offered(alice: Person, bob: Person, code: str) -> str:
    """Alice offers a ticket, and bob reads under which code he can take it."""
    await alice.says(f"transfer {code} {npub(bob)}")
    await alice.hears("is offered")
    told = await bob.hears("would like to give you a ticket")
    return told.split("accept ")[1].split(".")[0]


async def is_valid(stage: Stage, token: str) -> bool:
    """Whether the door would let this token in."""
    digest = sha256(token.encode()).hexdigest()
    found = await rows(stage, f"SELECT state FROM ticket WHERE hex(token_hash) = upper('{digest}')")
    return found == [("valid",)]
