"""`init`: a few questions, then a configuration and keys. What exists is never overwritten."""

from __future__ import annotations

import getpass
import os
import re
import stat
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeVar, cast
from urllib.parse import urlsplit

from ticketbot.cli.output import pairs, show, show_json
from ticketbot.config import SEARCHED, Answers, write_example, write_secret
from ticketbot.domain.jwt_ticket import jwk
from ticketbot.domain.nip19 import npub_encode, nsec_encode, read_pubkey
from ticketbot.domain.ticket import TicketKey
from ticketbot.errors import Broken, Malformed, TicketbotError
from ticketbot.keys import Keys

ANYONE = "*"
DEFAULT = Answers(name="Tickets", about="Tickets over Lightning. Send me: events")
SEEN_IN_PUBLIC = (
    "Tickets also travel in kind 24133: its events show in public which keys deal with this "
    "bot. An event can forbid it, and so can `ephemeral_tickets` in the configuration."
)

LNBITS = "http://127.0.0.1:5000"
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.IGNORECASE)

T = TypeVar("T")


def init(args: Namespace) -> int:
    """Write config.toml and the key files beside it, then say what comes next."""
    path: Path = args.config or SEARCHED[0]
    if path.exists():
        raise Broken(
            f"{path} exists already, and init overwrites nothing: give the new one another place, "
            "like `ticketbot init --config bot/config.toml`"
        )
    answers, invoice_key = _from_options(args)
    if not args.non_interactive:
        answers, invoice_key = _ask(answers, args, invoice_key)
    folder = path.parent
    folder.mkdir(parents=True, exist_ok=True)
    made: list[Path] = []
    keys = Keys.from_text(_key_file(folder / "nsec", _fresh_nsec, made))
    seed = _key_file(folder / "ticket-key", lambda: os.urandom(32).hex(), made)
    public = _ticket_public(folder / "ticket-key", seed)
    wallet_key = folder / "lnbits-invoice-key"
    if invoice_key is not None:
        _key_file(wallet_key, lambda: invoice_key, made)
    write_example(path, answers)
    made.append(path)
    _tell(args, made, keys, public, _next_steps(path, answers, wallet_key))
    return 0


def _from_options(args: Namespace) -> tuple[Answers, str | None]:
    """What was said on the command line, checked; the rest are defaults."""
    operators = tuple(args.operator or ())
    answers = Answers(
        name=_checked(read_line, "--name", args.name, DEFAULT.name),
        about=_checked(read_line, "--about", args.about, DEFAULT.about),
        operators=tuple(_checked(read_npub, "--operator", one, "") for one in operators),
        organizers=tuple(
            _checked(read_organizer, "--organizer", one, "")
            for one in (operators if args.organizer is None else args.organizer)
        ),
        relays=tuple(_checked(read_relay, "--relay", one, "") for one in args.relay or ())
        or DEFAULT.relays,
        wallet=args.wallet or DEFAULT.wallet,
        lnbits_url=_checked(read_lnbits, "--lnbits-url", args.lnbits_url, DEFAULT.lnbits_url),
        public_url=_checked(read_http, "--public-url", args.public_url, ""),
    )
    return answers, _read_key_file(args.lnbits_key_file) if args.lnbits_key_file else None


def _ask(answers: Answers, args: Namespace, invoice_key: str | None) -> tuple[Answers, str | None]:
    """What the command line left open, asked one by one; Enter takes what stands in brackets."""
    show("A few questions; Enter takes what stands in brackets. Nothing existing is overwritten.\n")
    if args.name is None:
        answers = replace(answers, name=_question("Name that people see", answers.name, read_line))
    if args.relay is None:
        relays = _question("Relays", " ".join(answers.relays), read_relays)
        answers = replace(answers, relays=relays)
    if args.operator is None:
        npub = _question("Your own npub, for alerts and to sell events", "", read_optional_npub)
        people = (npub,) if npub else ()
        organizers = people if args.organizer is None else answers.organizers
        answers = replace(answers, operators=people, organizers=organizers)
    if args.wallet is None:
        wallet = _question("Wallet, lnbits or fake (play money)", answers.wallet, read_wallet)
        answers = replace(answers, wallet=wallet)
    if answers.wallet == "lnbits":
        if args.lnbits_url is None:
            url = _question("URL of your LNbits", answers.lnbits_url, read_lnbits)
            answers = replace(answers, lnbits_url=url)
        if invoice_key is None:
            words = "Invoice/read key of the bot's LNbits wallet (not shown; empty: later)"
            invoice_key = _question(words, "", str.strip, getpass.getpass) or None
    show("")
    return answers, invoice_key


def _question(
    words: str, default: str, read: Callable[[str], T], ask: Callable[[str], str] = input
) -> T:
    """Ask until the answer can be read."""
    brackets = f" [{default}]" if default else ""
    while True:
        try:
            return read(ask(f"{words}{brackets}: ").strip() or default)
        except EOFError:
            raise Broken("there is nobody to ask here: add --non-interactive") from None
        except ValueError as error:
            show(f"  {error}")


def read_line(text: str) -> str:
    """One line of text; ValueError."""
    if not text.strip() or not text.isprintable():
        raise ValueError("one line of text is expected")
    return text.strip()


def read_relay(text: str) -> str:
    """The URL of a relay, or its bare name; ValueError."""
    if _HOST.fullmatch(text.strip()):
        return f"wss://{text.strip()}"
    return _url(text, "a relay", ("wss", "ws"), "wss://nos.lol")


def read_relays(text: str) -> tuple[str, ...]:
    """Several, parted by spaces or commas; ValueError."""
    relays = tuple(read_relay(one) for one in text.replace(",", " ").split())
    if not relays:
        raise ValueError("at least one relay is needed, like wss://nos.lol")
    return relays


def read_http(text: str, example: str = "https://tickets.example") -> str:
    """A web address without a slash at its end; ValueError."""
    return _url(text, "a web address", ("https", "http"), example).rstrip("/")


def read_lnbits(text: str) -> str:
    """The same of an LNbits; ValueError."""
    return read_http(text, LNBITS)


def read_npub(text: str) -> str:
    """An npub, from any form that people paste; ValueError."""
    try:
        return npub_encode(read_pubkey(text))
    except Malformed as error:
        raise ValueError(str(error)) from None


def read_optional_npub(text: str) -> str:
    """An npub, or nothing; ValueError."""
    return read_npub(text) if text else ""


def read_organizer(text: str) -> str:
    """An npub, or `*` for anyone; ValueError."""
    return ANYONE if text == ANYONE else read_npub(text)


def read_wallet(text: str) -> Literal["lnbits", "fake"]:
    """ValueError for a wallet that there is not."""
    if text.lower() not in ("lnbits", "fake"):
        raise ValueError("lnbits or fake is expected")
    return cast(Literal["lnbits", "fake"], text.lower())


def _url(text: str, what: str, schemes: Sequence[str], example: str) -> str:
    try:
        parts = urlsplit(text.strip())
        good = parts.scheme in schemes and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or not text.isprintable() or " " in text.strip():
        raise ValueError(f"{text!r} is not {what}, like {example}")
    return text.strip()


def _checked(read: Callable[[str], str], option: str, text: str | None, default: str) -> str:
    if text is None:
        return default
    try:
        return read(text)
    except ValueError as error:
        raise Usage(f"argument {option}: {error}") from None


class Usage(TicketbotError):
    """An option that cannot be read."""

    exit_code = 2


def _read_key_file(path: Path) -> str:
    text = path.read_text(encoding="utf-8", errors="replace").strip()
    if len(text.split()) != 1:
        raise Broken(f"{path} does not hold one key on one line")
    return text


def _key_file(path: Path, make: Callable[[], str], made: list[Path]) -> str:
    """The key in `path`; where there is no such file, a new key that is then in it."""
    if not path.exists():
        text = make()
        write_secret(path, text)
        made.append(path)
        return text
    if stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise Broken(f"{path} exists already and others can reach it: run chmod 600 {path}")
    return _read_key_file(path)


def _fresh_nsec() -> str:
    while True:
        try:
            secret = os.urandom(32)
            Keys(secret)
        except Malformed:
            continue  # one number in 2^127 is none of the curve's
        return nsec_encode(secret.hex())


def _ticket_public(path: Path, seed: str) -> bytes:
    try:
        return TicketKey.from_bytes(bytes.fromhex(seed)).public
    except ValueError:
        raise Broken(f"{path} exists already, and holds no ticket key of 64 hex digits") from None


def _next_steps(path: Path, answers: Answers, wallet_key: Path) -> list[str]:
    steps = []
    if answers.wallet == "lnbits" and not wallet_key.exists():
        steps.append(
            f"put the Invoice/read key of the bot's LNbits wallet into {wallet_key} "
            f"(then: chmod 600 {wallet_key})"
        )
    if not answers.operators or not answers.organizers:
        steps.append(f"write your npub into {path}: `operators` and `organizers`")
    option = "" if path == SEARCHED[0] else f" --config {path}"
    return [*steps, f"ticketbot doctor{option}", f"ticketbot run{option}"]


def _tell(
    args: Namespace, made: list[Path], keys: Keys, public: bytes, steps: Sequence[str]
) -> None:
    npub = npub_encode(keys.pubkey)
    if args.json:
        show_json(
            {
                "npub": npub,
                "pubkey": keys.pubkey,
                "ticket_public_key": public.hex(),
                "ticket_jwk": jwk(public),
                "made": [str(one) for one in made],
                "next": list(steps),
            }
        )
        return
    parent = made[-1].parent
    kept = [
        name
        for name in ("nsec", "ticket-key", "lnbits-invoice-key")
        if (parent / name).exists() and parent / name not in made
    ]
    rows: list[tuple[str, object]] = [("made", ", ".join(map(str, made)))]
    rows += [("kept as it was", ", ".join(kept))] if kept else []
    rows += [("npub", npub), ("ticket public key", public.hex())]
    show(pairs(rows))
    show(f"\n{SEEN_IN_PUBLIC}")
    show("Keep a copy of the nsec somewhere safe: backups of the ledger open with nothing else.")
    show("\nNext:")
    for number, step in enumerate(steps, 1):
        show(f"  {number}. {step}")
    sys.stdout.flush()
