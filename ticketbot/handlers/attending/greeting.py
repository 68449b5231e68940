"""A word of welcome, the commands, and what is said to who was not understood."""

from __future__ import annotations

from ticketbot.domain.command import Hello, Help, PresentTicket, Thanks, Unknown
from ticketbot.errors import Refused
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.handlers.door import asking
from ticketbot.ledger import listings
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Reply, Said

HELP = {"organizer": "help-organizer", "door": "help-door", "operator": "help-operator"}


def hello(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Two lines, and what to try first; who sells here is told where to read about that."""
    values: dict[str, object] = {"name": ctx.settings.name, "example": _example(tx, ctx)}
    if request.sender in (ctx.settings.organizers or ()):
        return [Said("hello-organizer", values)]
    return [Said("hello", values)]


def help_(request: Request, tx: Tx, ctx: Context) -> Reply:
    """The commands: everybody's, or those of a role; operators see theirs, too."""
    command = request.command
    assert isinstance(command, Help)
    is_operator = request.sender in ctx.settings.operators
    if command.topic == "operator" and not is_operator:
        raise Refused("not-yours", "operators-only")
    if command.topic:
        return [Said(HELP[command.topic])]
    return [Said("help"), *([Said(HELP["operator"])] if is_operator else [])]


def thanks(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Manners."""
    return [Said("welcome")]


def unknown(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Not understood: the nearest thing, or three examples."""
    command = request.command
    assert isinstance(command, Unknown)
    stranger = request.sender not in ctx.settings.operators
    if command.guesses and not (stranger and command.guesses[0].endswith(" sales")):
        return [Said("did-you-mean", {"guess": command.guesses[0]})]
    return [Said("not-understood", {"example": _example(tx, ctx)})]


def presented(request: Request, tx: Tx, ctx: Context) -> Reply:
    """A ticket and no word with it: a check-in by staff, and a slip of anybody else."""
    wish = request.command
    assert isinstance(wish, PresentTicket)
    scanned = asking.presented(request, wish.shown, tx, ctx)
    if scanned is not None:
        return scanned
    slip = Unknown(wish.shown, (wish.guess,) if wish.guess else ())
    return unknown(request._replace(command=slip), tx, ctx)


def _example(tx: Tx, ctx: Context) -> str:
    on_sale = listings.next_with_seats(tx, ctx.now)
    return f"buy {on_sale.code.lower()}" if on_sale else "status"


COMMANDS: Commands = {
    Hello: hello,
    Help: help_,
    Thanks: thanks,
    Unknown: unknown,
    PresentTicket: presented,
}
