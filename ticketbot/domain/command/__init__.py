"""What can be asked of the bot: values, by who asks.

People's words become these in `domain.speech`, programs' JSON in `machine.py`.
"""

from __future__ import annotations

from ticketbot.domain.command.attendee import (
    Attending,
    Buy,
    CancelOrder,
    ForgetMe,
    Hello,
    Help,
    ListEvents,
    Refund,
    Resend,
    ShowEvent,
    ShowLink,
    ShowStatus,
    ShowTickets,
    Thanks,
    Unknown,
)
from ticketbot.domain.command.desk import (
    Announce,
    Comp,
    Find,
    ListAttendees,
    Organizing,
    PauseEvent,
    Rehearse,
    ResendOrder,
    ResumeEvent,
    ShowOrder,
    ShowStats,
)
from ticketbot.domain.command.operator import (
    CloseOrphan,
    ListOrphans,
    ListRefunds,
    Operating,
    ResumeRefunds,
    ResumeSales,
    StopSales,
)

LONGEST_TEXT = 2_000
MOST_TICKETS = 10_000  # beyond any order: handlers know the operator's own maximum

Command = Attending | Operating | Organizing

__all__ = [
    "LONGEST_TEXT",
    "MOST_TICKETS",
    "Announce",
    "Buy",
    "CancelOrder",
    "CloseOrphan",
    "Command",
    "Comp",
    "Find",
    "ForgetMe",
    "Hello",
    "Help",
    "ListAttendees",
    "ListEvents",
    "ListOrphans",
    "ListRefunds",
    "PauseEvent",
    "Refund",
    "Rehearse",
    "Resend",
    "ResendOrder",
    "ResumeEvent",
    "ResumeRefunds",
    "ResumeSales",
    "ShowEvent",
    "ShowLink",
    "ShowOrder",
    "ShowStats",
    "ShowStatus",
    "ShowTickets",
    "StopSales",
    "Thanks",
    "Unknown",
]
