"""A word of welcome, the commands, and what is said to who was not understood."""

from __future__ import annotations

from ticketbot.domain.command import Hello, Help, Thanks, Unknown
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.ledger import listings
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Reply, Said


def hello(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Two lines, and what to try first."""
    on_sale = listings.upcoming(tx, ctx.now, most=1)
    example = f"buy {on_sale[0].code.lower()}" if on_sale else "help"
    return [Said("hello", {"name": ctx.settings.name, "example": example})]


def help_(request: Request, tx: Tx, ctx: Context) -> Reply:
    """The commands."""
    return [Said("help")]


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
    return hello(request, tx, ctx)


COMMANDS: Commands = {Hello: hello, Help: help_, Thanks: thanks, Unknown: unknown}
