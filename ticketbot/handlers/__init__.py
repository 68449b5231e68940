"""Every command and who answers it. Operators' commands come first for operators."""

from __future__ import annotations

from ticketbot.domain import command as c
from ticketbot.errors import Refused
from ticketbot.handlers.attending import attendee, badges, language, privacy
from ticketbot.handlers.buying import checkout, promos, queueing
from ticketbot.handlers.context import Context, Handler, Request
from ticketbot.handlers.desk import (
    attendance,
    attendees,
    giving,
    orders,
    own,
    pausing,
    rehearsing,
    stats,
)
from ticketbot.handlers.door import staffing, validating
from ticketbot.handlers.holding import files, owed, returning, transfers
from ticketbot.handlers.money import paying_out
from ticketbot.handlers.operating import operator, stuck
from ticketbot.handlers.rounds import announcing
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Reply

COMMANDS: dict[type, Handler] = {
    c.Hello: attendee.hello,
    c.Help: attendee.help_,
    c.Thanks: attendee.thanks,
    c.ListEvents: attendee.list_events,
    c.ShowEvent: attendee.show_event,
    c.Buy: checkout.buy,
    c.ShowTickets: attendee.show_tickets,
    c.Resend: attendee.resend,
    c.ShowStatus: attendee.show_status,
    c.CancelOrder: attendee.cancel,
    c.ShowLink: attendee.link,
    c.Refund: owed.refund,
    c.Validate: validating.validate,
    c.ListOwnEvents: own.list_own_events,
    c.JoinQueue: queueing.join,
    c.LeaveQueue: queueing.leave,
    c.ShowQueue: queueing.show,
    c.Transfer: transfers.transfer,
    c.Accept: transfers.accept,
    c.Decline: transfers.decline,
    c.GiveBack: returning.by_organizer,
    c.ShowBalance: paying_out.balance,
    c.AskPayout: paying_out.payout,
    c.PayOutTo: paying_out.pay_out_to,
    c.ShowStatement: paying_out.statement,
    c.ForgetMe: privacy.forget_me,
    c.Unknown: attendee.unknown,
    c.ChooseLanguage: language.choose,
    c.ShowCalendar: files.show_calendar,
    c.ShowPdf: files.show_pdf,
    c.WishBadge: badges.wish,
    c.ShowAttendance: attendance.show,
    c.ScanTicket: staffing.scan,
    c.AddStaff: staffing.add,
    c.RemoveStaff: staffing.remove,
    c.ListStaff: staffing.list_staff,
    c.MakeToken: staffing.make_token,
    c.CountDoor: staffing.count,
    c.MakePromo: promos.make,
    c.StopPromo: promos.stop,
    c.ListPromos: promos.listed,
    c.ShowStats: stats.stats,
    c.ListAttendees: attendees.listed,
    c.Find: attendees.found,
    c.PauseEvent: pausing.pause,
    c.ResumeEvent: pausing.resume,
    c.Announce: announcing.announce,
    c.Comp: giving.comp,
    c.ShowOrder: orders.show,
    c.ResendOrder: orders.resend,
    c.Rehearse: rehearsing.rehearse,
}

OPERATOR_COMMANDS: dict[type, Handler] = {
    c.ShowStatus: operator.status,
    c.StopSales: operator.stop_sales,
    c.ResumeSales: operator.resume_sales,
    c.ListRefunds: owed.listed,
    c.Refund: owed.settle,
    c.ListOrphans: operator.list_orphans,
    c.CloseOrphan: operator.close_orphan,
    c.ResumeRefunds: operator.resume_refunds,
    c.ListPending: stuck.list_pending,
    c.ListStuck: stuck.list_stuck,
    c.RetryStuck: stuck.retry,
    c.ListPayouts: paying_out.listed,
    c.PayoutDone: paying_out.done,
    c.ResumePayouts: paying_out.resume,
}


def answer(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Find who answers this command, and let them."""
    if request.text and (reply := checkout.heard(request, tx, ctx)) is not None:
        return reply
    kind = type(request.command)
    if kind in OPERATOR_COMMANDS and _asks_as_operator(request, ctx):
        return OPERATOR_COMMANDS[kind](request, tx, ctx)
    if request.console:
        raise Refused("bad-request", "console-commands")
    if kind not in COMMANDS:
        raise Refused("not-yours", "operators-only")
    return COMMANDS[kind](request, tx, ctx)


def _asks_as_operator(request: Request, ctx: Context) -> bool:
    """Operators buy tickets, too: of an order of theirs they ask as everybody does."""
    if not (request.console or request.sender in ctx.settings.operators):
        return False
    names_order = getattr(request.command, "order_id", None) is not None
    if isinstance(request.command, c.Refund):
        return names_order and request.request_id is None
    return not names_order
