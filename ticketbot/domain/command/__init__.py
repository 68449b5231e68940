"""What can be asked of the bot: values, by who asks.

People's words become these in `domain.speech`, programs' JSON in `domain.requests`.
"""

from __future__ import annotations

from ticketbot.domain.command.after import (
    Keeping,
    ShowAttendance,
    ShowCalendar,
    ShowPdf,
    WishBadge,
)
from ticketbot.domain.command.attendee import (
    Attending,
    Buy,
    CancelOrder,
    ForgetMe,
    Hello,
    Help,
    ListEvents,
    ListOrders,
    Refund,
    Resend,
    ShowEvent,
    ShowLink,
    ShowStatus,
    ShowTickets,
    Standing,
    Thanks,
    Unknown,
    Validate,
)
from ticketbot.domain.command.desk import (
    Announce,
    Comp,
    Find,
    ListAttendees,
    NoteOrder,
    Organizing,
    PauseEvent,
    Rehearse,
    ResendOrder,
    ResumeEvent,
    ShowOrder,
    ShowStats,
)
from ticketbot.domain.command.door import (
    AddStaff,
    CountDoor,
    Entering,
    ListConflicts,
    ListStaff,
    MakeToken,
    PresentTicket,
    RemoveStaff,
    ScanTicket,
)
from ticketbot.domain.command.language import ChooseLanguage, Choosing
from ticketbot.domain.command.living import Accept, Decline, GiveBack, Living, Transfer
from ticketbot.domain.command.nature import NeverAgain, OnlyAsked
from ticketbot.domain.command.operator import (
    CloseOrphan,
    ListOrphans,
    ListPending,
    ListRefunds,
    ListStuck,
    Operating,
    ResumeRefunds,
    ResumeSales,
    RetryStuck,
    StopSales,
)
from ticketbot.domain.command.own import ListOwnEvents, Owning
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
from ticketbot.domain.command.promos import ListPromos, MakePromo, Promoting, StopPromo
from ticketbot.domain.command.queue import JoinQueue, LeaveQueue, Queueing, ShowQueue

LONGEST_TEXT = 2_000
MOST_TICKETS = 10_000  # beyond any order: handlers know the operator's own maximum

Command = (
    Attending
    | Operating
    | Owning
    | Entering
    | Promoting
    | Living
    | Choosing
    | Keeping
    | Organizing
    | Earning
    | Queueing
)

__all__ = [
    "LONGEST_TEXT",
    "MOST_TICKETS",
    "Accept",
    "AddStaff",
    "Announce",
    "AskPayout",
    "Buy",
    "CancelOrder",
    "ChooseLanguage",
    "CloseOrphan",
    "Command",
    "Comp",
    "CountDoor",
    "Decline",
    "Find",
    "ForgetMe",
    "GiveBack",
    "Hello",
    "Help",
    "JoinQueue",
    "LeaveQueue",
    "ListAttendees",
    "ListConflicts",
    "ListEvents",
    "ListOrders",
    "ListOrphans",
    "ListOwnEvents",
    "ListPayouts",
    "ListPending",
    "ListPromos",
    "ListRefunds",
    "ListStaff",
    "ListStuck",
    "MakePromo",
    "MakeToken",
    "NeverAgain",
    "NoteOrder",
    "OnlyAsked",
    "PauseEvent",
    "PayOutTo",
    "PayoutDone",
    "PresentTicket",
    "Refund",
    "Rehearse",
    "RemoveStaff",
    "Resend",
    "ResendOrder",
    "ResumeEvent",
    "ResumePayouts",
    "ResumeRefunds",
    "ResumeSales",
    "RetryStuck",
    "ScanTicket",
    "ShowAttendance",
    "ShowBalance",
    "ShowCalendar",
    "ShowEvent",
    "ShowLink",
    "ShowOrder",
    "ShowPdf",
    "ShowQueue",
    "ShowStatement",
    "ShowStats",
    "ShowStatus",
    "ShowTickets",
    "Standing",
    "StopPromo",
    "StopSales",
    "Thanks",
    "Transfer",
    "Unknown",
    "Validate",
    "WishBadge",
]
