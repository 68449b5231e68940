"""An example of every command, for stories that must hold for all of them.

Who adds a command adds an example: `test_there_is_an_example_of_every_command` asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tests.story.shop import machine
from ticketbot.domain import command as c
from ticketbot.domain.command import Command
from ticketbot.domain.requests import read_machine
from ticketbot.domain.speech import read_text


class Example(NamedTuple):
    """What `who` writes; `{…}` is what `shop.build` tells.

    `alone`: nobody else may do this, so that a stranger who writes the same changes nothing.
    """

    kind: type[Command]
    who: str
    text: str
    alone: bool = True

    def filled(self, values: Mapping[str, str]) -> str:
        """The text with the names of this shop."""
        text = self.text
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    @property
    def name(self) -> str:
        """For a list of tests."""
        return f"{self.kind.__name__}-{self.text[:24]}".replace("{", "").replace("}", "")


ATTENDING = [
    Example(c.Hello, "alice", "hi"),
    Example(c.Help, "alice", "help"),
    Example(c.Thanks, "alice", "thanks"),
    Example(c.ListEvents, "alice", "events"),
    Example(c.ShowEvent, "alice", "event lisbon"),
    Example(c.Buy, "carol", "buy lisbon", alone=False),
    Example(c.ShowTickets, "alice", "tickets"),
    Example(c.Resend, "alice", "resend"),
    Example(c.ShowStatus, "alice", "status"),
    Example(c.ListOrders, "alice", "orders"),
    Example(c.CancelOrder, "bob", "cancel"),
    Example(c.ShowLink, "bob", "link"),
    Example(c.Refund, "frank", "refund frank@example.com"),
    Example(c.Refund, "alice", "refund {code} yes"),
    Example(c.Validate, "alice", machine("validate", ticket="{token}")),
    Example(c.ForgetMe, "ivan", "forget me yes", alone=False),
    Example(c.Unknown, "alice", "the quick brown fox"),
    Example(c.JoinQueue, "alice", "join porto", alone=False),
    Example(c.LeaveQueue, "carol", "leave porto"),
    Example(c.LeaveQueue, "heidi", "leave porto"),
    Example(c.ShowQueue, "heidi", "waiting"),
    Example(c.Transfer, "alice", "transfer {code} {grace}"),
    Example(c.Transfer, "alice", "transfer cancel {given}"),
    Example(c.Accept, "dave", "accept"),
    Example(c.Decline, "dave", "decline"),
    Example(c.ChooseLanguage, "alice", "lang es"),
    Example(c.ShowCalendar, "alice", "calendar"),
    Example(c.ShowPdf, "alice", "pdf"),
    Example(c.WishBadge, "alice", "badge yes lisbon"),
]
ORGANIZING = [
    Example(c.ShowAttendance, "organizer", "attendance faro"),
    Example(c.ShowStats, "organizer", "stats lisbon"),
    Example(c.ListAttendees, "organizer", "attendees lisbon"),
    Example(c.Find, "organizer", "find lisbon {order}"),
    Example(c.PauseEvent, "organizer", "pause lisbon"),
    Example(c.ResumeEvent, "organizer", "resume braga"),
    Example(c.Announce, "organizer", "announce lisbon Bring a coat"),
    Example(c.Announce, "organizer", "announce lisbon yes"),
    Example(c.Comp, "organizer", "comp lisbon {grace} 2"),
    Example(c.ShowOrder, "organizer", "order lisbon {order}"),
    Example(c.NoteOrder, "organizer", "order lisbon {order} note sits in the first row"),
    Example(c.ResendOrder, "organizer", "resend lisbon {order}"),
    Example(c.Rehearse, "organizer", "rehearse lisbon"),
    Example(c.GiveBack, "organizer", "give back lisbon {order} yes"),
    Example(c.MakePromo, "organizer", "promo lisbon SUMMER 30% max 5"),
    Example(c.StopPromo, "organizer", "promo lisbon FRIENDS stop"),
    Example(c.ListPromos, "organizer", "promos lisbon"),
    Example(c.ListOwnEvents, "organizer", machine("own-events")),
    Example(c.ShowBalance, "organizer", "balance"),
    Example(c.AskPayout, "organizer", "payout faro"),
    Example(c.PayOutTo, "organizer", "payout to me@example.com"),
    Example(c.ShowStatement, "organizer", "statement"),
    Example(c.ScanTicket, "organizer", "checkin {token}"),
    Example(c.ScanTicket, "gate", "checkin {token} gate B"),
    Example(c.ScanTicket, "gate", "undo {used}"),
    Example(c.AddStaff, "organizer", "door add lisbon {grace} 8"),
    Example(c.RemoveStaff, "organizer", "door remove lisbon {gate}"),
    Example(c.ListStaff, "organizer", "door list lisbon"),
    Example(c.MakeToken, "organizer", "door token lisbon"),
    Example(c.CountDoor, "gate", "door lisbon"),
    Example(c.ListConflicts, "gate", "door conflicts lisbon"),
    Example(c.PresentTicket, "gate", "{token}"),
]
OPERATING = [
    Example(c.StopSales, "operator", "stop sales"),
    Example(c.ResumeSales, "operator", "resume sales"),
    Example(c.ListRefunds, "operator", "refunds"),
    Example(c.ListOrphans, "operator", "orphans"),
    Example(c.CloseOrphan, "operator", "orphans done {orphan}"),
    Example(c.ResumeRefunds, "operator", "resume refunds"),
    Example(c.ListPending, "operator", machine("pending")),
    Example(c.ListStuck, "operator", "retry"),
    Example(c.RetryStuck, "operator", "retry {stuck}"),
    Example(c.ListPayouts, "operator", "payouts"),
    Example(c.PayoutDone, "operator", "payouts done faro 1000"),
    Example(c.ResumePayouts, "operator", "resume payouts"),
]
EXAMPLES = [*ATTENDING, *ORGANIZING, *OPERATING]


def read(text: str) -> Command:
    """What the bot makes of it."""
    if text.startswith("{"):
        asked = read_machine(text)
        assert asked is not None
        return asked.command
    return read_text(text)
