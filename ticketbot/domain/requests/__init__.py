"""What programs ask for in JSON, in kind 24133 (docs/protocol.md): by subject, one file each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from ticketbot.domain.command import Command
from ticketbot.domain.requests import (
    after,
    attendee,
    desk,
    door,
    language,
    living,
    operator,
    payouts,
    promos,
    queue,
)
from ticketbot.domain.requests.fields import LONGEST_ID, Asked, BadRequest, Fields

REQUESTS: Mapping[str, Asked] = {
    **attendee.REQUESTS,
    **operator.REQUESTS,
    **language.REQUESTS,
    **after.REQUESTS,
    **promos.REQUESTS,
    **door.REQUESTS,
    **living.REQUESTS,
    **payouts.REQUESTS,
    **queue.REQUESTS,
    **desk.REQUESTS,
}
LONGEST_JSON = 60_000  # nearly all that NIP-44 takes: who writes too long a text is told so

ONLY_IN_ANSWERS: Mapping[str, str | None] = {
    "events": "events",
    "event": "events",
    "tickets": "count",
    **dict.fromkeys(("buy", "status", "cancel")),
}
"""What tells an answer of ours from a request of the same type, where it is not its `message`.

None: the answer is of another type.
"""
_NIP46 = frozenset({"method", "result"})


class MachineRequest(NamedTuple):
    """A program's request (kind 24133)."""

    request_id: str
    command: Command


def read_machine(text: str) -> MachineRequest | None:
    """A program's request, or None for what is never answered.

    That is rubbish, NIP-46 traffic (`method` or `result`), unknown types, and answers like
    our own: two bots must not talk to each other for ever. BadRequest: a field is wrong.
    """
    if len(text) > LONGEST_JSON or len(text.encode(errors="replace")) > LONGEST_JSON:
        return None
    try:
        body = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(body, dict) or not body.keys().isdisjoint(_NIP46):
        return None
    kind = body.get("type")
    if not isinstance(kind, str) or kind not in REQUESTS:
        return None
    if ONLY_IN_ANSWERS.get(kind, "message") in body:
        return None
    request_id = read_request_id(body)
    return MachineRequest(request_id, read_request(kind, body, request_id))


def read_request(kind: str, body: dict[str, Any], request_id: str = "") -> Command:
    """The command in the fields of a request of a known type; BadRequest names a wrong one."""
    return REQUESTS[kind](Fields(body, request_id))


def read_request_id(body: dict[str, Any]) -> str:
    """What the program calls its request; BadRequest when it does not, or too lengthily."""
    request_id = body.get("request_id")
    if not isinstance(request_id, str) or not 0 < len(request_id) <= LONGEST_ID:
        raise BadRequest("bad-request", "request-id", most=LONGEST_ID)
    return request_id
