"""The operator's door: `ticketbot run|demo|init|doctor|status|events|orders|audit|…`.

Here are only the words that may be typed, and what happens to errors. Each command's own
room is imported when the command is called, so that `--help` costs nothing else.
"""

from __future__ import annotations

import os
import sys
import traceback
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from ticketbot import __version__
from ticketbot.errors import TicketbotError

DONE, FAILED = 0, 1
"""The other exit codes are 2 (usage, argparse's own) and 78 (`ConfigProblems.exit_code`)."""

DEBUG = "TICKETBOT_DEBUG"


class Command(NamedTuple):
    """A word of the command line. `room` is a module of this package with a function `work`."""

    says: str
    room: str
    work: str
    asks: Callable[[ArgumentParser], None] | None = None
    data: bool = True  # it prints data, so that `--json` makes sense


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code. Errors become one clear sentence on standard error."""
    args = _parse(argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a title may hold what the terminal lacks
    try:
        work: Callable[[Namespace], int] = getattr(
            import_module(f"ticketbot.cli.{args.command.room}"), args.command.work
        )
        code = work(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        if sys.stderr.isatty():
            sys.stderr.write("\n")  # behind the terminal's ^C
        return _complain("interrupted", FAILED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads any more
        return FAILED
    except Exception as error:  # noqa: BLE001 - the last door: behind it is only the shell
        return _explain(error, args)
    return code


def _explain(error: Exception, args: Namespace) -> int:
    """An error as a sentence, and whose move it is as an exit code."""
    causes = list(_causes(error))
    bugs = [cause for cause in causes if not isinstance(cause, TicketbotError | OSError)]
    error = (bugs or causes)[0]
    clean = _without_secrets(args)
    if isinstance(error, TicketbotError):
        return _complain(clean(str(error)), getattr(error, "exit_code", FAILED))
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return _complain(clean(f"{where}{error.strerror}"), FAILED)
    return _confess(error, clean)


def _without_secrets(args: Namespace) -> Callable[[str], str]:
    """What takes secrets out of a text: those of the configuration, and what looks like one."""
    from ticketbot.cli.opening import load_config
    from ticketbot.redaction import redactor

    try:
        secrets = [secret.reveal() for secret in load_config(args).secrets()]
    except TicketbotError:
        secrets = []
    redact = redactor(secrets, people=True)
    return lambda text: redact(text.encode(errors="replace")).decode()


def _causes(error: Exception) -> Iterator[Exception]:
    """What is in a TaskGroup's group of errors."""
    if isinstance(error, ExceptionGroup):
        for one in error.exceptions:
            yield from _causes(one)
    else:
        yield error


def _confess(bug: Exception, clean: Callable[[str], str]) -> int:
    """A mistake of the program: where it was, and no secret."""
    if os.environ.get(DEBUG) == "1":
        sys.stderr.write(clean("".join(traceback.format_exception(bug))))
    frames = traceback.extract_tb(bug.__traceback__)
    place = "".join(f" at {Path(one.filename).name}:{one.lineno}" for one in frames[-1:])
    said = f"{type(bug).__name__}{place}: {' '.join(str(bug).split())}"
    said = f"this is a bug, please report: {clean(said)} ({DEBUG}=1 shows more)"
    return _complain(said, FAILED)


def _complain(sentence: str, code: int) -> int:
    sys.stdout.flush()
    sys.stderr.write(f"ticketbot: {sentence}\n")
    return code


def _parse(argv: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(
        prog="ticketbot",
        description="Sells and checks event tickets over Nostr and Lightning.",
        epilog="First `ticketbot init`, then `ticketbot doctor`, then `ticketbot run`; "
        "`ticketbot demo` needs none of them.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"ticketbot {__version__}")
    parser.set_defaults(config=None, json=False)
    _add_common(parser, data=True)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        its = commands.add_parser(
            name, help=command.says, description=command.says, allow_abbrev=False
        )
        its.set_defaults(command=command)
        _add_common(its, data=command.data)
        if command.asks is not None:
            command.asks(its)
    args = parser.parse_args(argv)
    if args.json and not args.command.data:
        parser.error(f"{args.command.work} prints no data, so --json is not for it")
    return args


def _add_common(parser: ArgumentParser, *, data: bool) -> None:
    """The options that may stand before and after the command; absent ones change nothing."""
    parser.add_argument(
        "--config",
        metavar="PATH",
        type=Path,
        default=SUPPRESS,
        help="default: ./config.toml, then /etc/ticketbot/config.toml",
    )
    what = "print data as JSON" if data else SUPPRESS  # said to be of no use, not unknown
    parser.add_argument("--json", action="store_true", default=SUPPRESS, help=what)


def _ask_demo(parser: ArgumentParser) -> None:
    parser.add_argument("--once", action="store_true", help="play one purchase, then exit")
    parser.add_argument("--port", type=int, metavar="N", help="the port of the demo's relay (any)")
    parser.add_argument("--lnbits-url", metavar="URL", help="use this LNbits, with its real money")
    parser.add_argument(
        "--lnbits-key-file", type=Path, metavar="PATH", help="a file with its invoice key"
    )
    parser.add_argument(
        "--lnbits-payer-key-file",
        type=Path,
        metavar="PATH",
        help="a file with the admin key of the wallet that pays; without it you pay yourself",
    )


def _ask_init(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--non-interactive", action="store_true", help="ask nothing: take options and defaults"
    )
    parser.add_argument("--name", help="what people see, like 'Lisbon Tickets'")
    parser.add_argument("--about", help="a line about the bot, for its profile")
    parser.add_argument("--relay", action="append", metavar="URL", help="may be repeated")
    parser.add_argument(
        "--operator", action="append", metavar="NPUB", help="gets alerts; may be repeated"
    )
    parser.add_argument(
        "--organizer",
        action="append",
        metavar="NPUB",
        help="whose events are sold; '*' = anyone; may be repeated; default: the operators",
    )
    parser.add_argument("--wallet", choices=("lnbits", "fake"), help="fake gives play money")
    parser.add_argument(
        "--lnbits-url", metavar="URL", help="where your LNbits is, like http://127.0.0.1:5000"
    )
    parser.add_argument(
        "--lnbits-key-file", type=Path, metavar="PATH", help="a file with the invoice key to copy"
    )
    parser.add_argument("--public-url", metavar="URL", help="how people reach the bot's pages")


def _ask_events(parser: ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="those that are over or cancelled, too")


def _ask_orders(parser: ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--open", action="store_true", help="those that wait for money")
    which.add_argument("--refunds", action="store_true", help="money that is owed back")
    parser.add_argument("--event", metavar="CODE", help="those of one event")
    parser.add_argument(
        "--last", type=int, default=50, metavar="N", help="at most so many, newest first (50)"
    )
    shown = parser.add_subparsers(metavar="show ID").add_parser(
        "show",
        help="the whole story of one order",
        description="The whole story of one order.",
        allow_abbrev=False,
    )
    shown.set_defaults(command=Command("", "story", "show_order"))
    _add_common(shown, data=True)
    shown.add_argument("--people", action="store_true", help="name the buyer, and show its note")
    shown.add_argument("order", metavar="ID", help="its id, or the end of it as buyers see it")


def _ask_refund(parser: ArgumentParser) -> None:
    parser.add_argument("order", metavar="ORDER", help="its id, or the end of it")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--to",
        metavar="DESTINATION",
        help="send it there: a Lightning address or a bolt11; - reads it from standard input, "
        "for what stands here is seen by everybody on this machine",
    )
    what.add_argument("--sent", action="store_true", help="it was given back by hand")


def _ask_tell(parser: ArgumentParser) -> None:
    parser.add_argument("words", metavar="WORDS", nargs="+", help="like: stop sales; - reads them")


def _ask_payouts(parser: ArgumentParser) -> None:
    parser.add_argument("--csv", action="store_true", help="a statement of every event")


def _ask_audit(parser: ArgumentParser) -> None:
    parser.add_argument("--offline", action="store_true", help="do not ask the wallet")


def _ask_backup(parser: ArgumentParser) -> None:
    parser.add_argument("path", type=Path, metavar="PATH", help="a new file, or a folder for it")


def _ask_restore(parser: ArgumentParser) -> None:
    parser.add_argument("path", type=Path, metavar="PATH", help="a file that `backup` made")
    parser.add_argument("--replace", action="store_true", help="move a ledger that is here aside")
    parser.add_argument(
        "--anyway", action="store_true", help="even if the backup's books do not add up"
    )


def _ask_verify(parser: ArgumentParser) -> None:
    parser.add_argument("token", metavar="TOKEN", help="TKT1:… or a ticket's link; - reads it")
    parser.add_argument(
        "--public-key",
        metavar="HEX",
        help="check signature and time by this key alone, without configuration or ledger",
    )


COMMANDS: dict[str, Command] = {
    "run": Command("sell tickets until stopped", "daemon", "run", data=False),
    "demo": Command(
        "play a purchase with a relay and a wallet of its own",
        "daemon",
        "demo",
        _ask_demo,
        data=False,
    ),
    "init": Command("write a configuration and make the keys", "init", "init", _ask_init),
    "doctor": Command("look for everything that is not as it should be", "doctor", "doctor"),
    "status": Command("how the bot is", "books", "status"),
    "events": Command("what is on sale, and how it sells", "books", "events", _ask_events),
    "orders": Command("orders and refunds", "orders", "orders", _ask_orders),
    "refund": Command("give money of an order back", "tell", "refund", _ask_refund),
    "tell": Command("an operator's command to the bot", "tell", "tell", _ask_tell, data=False),
    "payouts": Command(
        "what organizers have earned, and is on its way to them", "payouts", "payouts", _ask_payouts
    ),
    "audit": Command("prove that every satoshi has its fate", "audit", "audit", _ask_audit),
    "backup": Command(
        "one encrypted file with the ledger and the ticket key", "backup", "backup", _ask_backup
    ),
    "restore": Command("put a backup in place", "restore", "restore", _ask_restore),
    "keys": Command("the bot's public keys", "keys", "keys"),
    "verify": Command("is this ticket valid?", "keys", "verify", _ask_verify),
}
