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
from ticketbot.domain.command.operator import (
    CloseOrphan,
    ListOrphans,
    ListRefunds,
    Operating,
    ResumeRefunds,
    ResumeSales,
    RetryJobs,
    StopSales,
)
from ticketbot.domain.command.payouts import (
    AskPayout,
    Earning,
    ListPayouts,
    PayoutDone,
    PayOutTo,
    ResumePayouts,
    ShowBalance,
    ShowStatement,
)

LONGEST_TEXT = 2_000
MOST_TICKETS = 10_000  # beyond any order: handlers know the operator's own maximum

Command = Attending | Operating | Earning

__all__ = [
    "LONGEST_TEXT",
    "MOST_TICKETS",
    "AskPayout",
    "Buy",
    "CancelOrder",
    "CloseOrphan",
    "Command",
    "ForgetMe",
    "Hello",
    "Help",
    "ListEvents",
    "ListOrphans",
    "ListPayouts",
    "ListRefunds",
    "PayOutTo",
    "PayoutDone",
    "Refund",
    "Resend",
    "ResumePayouts",
    "ResumeRefunds",
    "ResumeSales",
    "RetryJobs",
    "ShowBalance",
    "ShowEvent",
    "ShowLink",
    "ShowStatement",
    "ShowStatus",
    "ShowTickets",
    "StopSales",
    "Thanks",
    "Unknown",
]
