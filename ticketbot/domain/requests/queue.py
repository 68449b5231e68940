"""What programs ask that wait for a seat."""

from __future__ import annotations

from collections.abc import Mapping

from ticketbot.domain.command import Command, JoinQueue, LeaveQueue, ShowQueue
from ticketbot.domain.requests.fields import Asked, Fields


def _join(fields: Fields) -> Command:
    quantity = fields.quantity()
    return JoinQueue(fields.event(), quantity, fields.tier(), whole=True)


REQUESTS: Mapping[str, Asked] = {
    "join": _join,
    "leave": lambda f: LeaveQueue(f.event()),
    "waiting": lambda f: ShowQueue(),
}
