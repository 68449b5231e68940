"""A commented config.toml to start from, and key files that only their owner can read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ticketbot.config.reader import toml
from ticketbot.errors import Broken


@dataclass(frozen=True, slots=True)
class Answers:
    """What an operator says once. People are npubs, or hex; an empty text leaves a key out."""

    name: str = "Lisbon Tickets"
    about: str = "Tickets for Lisbon meetups. Send me: events"
    operators: tuple[str, ...] = ()
    organizers: tuple[str, ...] = ()
    relays: tuple[str, ...] = ("wss://relay.damus.io", "wss://nos.lol")
    wallet: Literal["lnbits", "fake"] = "lnbits"
    lnbits_url: str = "http://127.0.0.1:5000"
    listen: str = "127.0.0.1:8080"
    public_url: str = ""


def example(answers: Answers) -> str:
    """The text of a config.toml that holds every key, with what each means."""
    web = [
        _line("listen", answers.listen, "127.0.0.1:8080", "absent: no HTTP"),
        _line(
            "public_url",
            answers.public_url,
            "https://tickets.example",
            "absent: QR codes travel as data URIs",
        ),
    ]
    return f"""\
# ticketbot's configuration. Each key can be overridden by TICKETBOT_<SECTION>_<KEY>.
# Relative key files are looked for beside this file; the ledger in $STATE_DIRECTORY, if that
# is set, else beside this file too.

[bot]
name = {toml(answers.name)}
about = {toml(answers.about)}
# The bot's identity, nsec1… or hex, mode 0600. Or the systemd credential `nsec`.
nsec_file = "nsec"
# Signs the tickets. Or the credential `ticket_key`. Made when absent, in the state folder.
ticket_key_file = "ticket-key"
# npub1…: they may use operator commands, and receive alerts.
operators = {toml(answers.operators)}
# npub1…: their event notes are sold; ["*"] = anyone whose note names the bot.
organizers = {toml(answers.organizers)}

[nostr]
relays = {toml(answers.relays)}
# Tickets in messages that relays do not keep (kind 24133): "always" | "when-asked" | "never"
ephemeral_tickets = "always"
# proxy = "socks5h://127.0.0.1:9050"   # a SOCKS proxy, Tor's for instance, to all relays
# allow_private_relays = false         # true: follow attendees to relays on private addresses

[lightning]
# "lnbits"; "fake" gives tickets for play money.
wallet = {toml(answers.wallet)}
# allow_private_lnurl = false          # true: send money to Lightning addresses on private hosts

[lnbits]
url = {toml(answers.lnbits_url)}
# The wallet's invoice key, mode 0600. Or the credential `lnbits_invoice_key`.
invoice_key_file = "lnbits-invoice-key"
# The same wallet's admin key, where the bot shall pay by itself: it can spend all that the
# wallet holds. Without it refunds and payouts wait for you. Or the credential `lnbits_admin_key`.
admin_key_file = ""
# What that LNbits allows.
requests_per_minute = 200

[ledger]
url = "sqlite:///ledger.db"

[web]
{"".join(web)}# api = true                  # the JSON API under /api/v1
# requests_per_minute = 120   # of the API, for one key

[sales]
# How long seats wait for their payment; the invoice lives 60 s longer.
hold_seconds = 600
max_holds_per_buyer = 2
max_tickets_per_order = 10

[queue]
# A seat that came free is kept so long for whose turn it is.
keep_minutes = 120

[door]
# People are let in from so many hours before an event's start, where its note does not say.
open_hours = 6

[attendance]
# What organizers may know of visits: "anonymous", how many and how long; "full", also the times of
# each ticket; "off". Never who.
mode = "anonymous"
# Who was let in is thanked when the event is over.
thanks = true

[commission]
# What you keep of sales, in millionths: 20000 is 2 %. It is fixed for each order when it is paid.
ppm = 0
# organizers = ["npub1…=10000"]   # those who have another rate

[payouts]
# An event's money can be paid out so many hours after its end.
delay_hours = 24
minimum_sats = 1000
# "on-request"; "daily" and "weekly" also pay by themselves who has said where to.
schedule = "on-request"

[limits]
# From one sender; after that one polite answer, then silence.
messages_per_minute = 60
# newcomers_per_minute = 2000   # keys never seen before, and ten minutes' worth at once
# proof_of_work_bits = 20       # of newcomers, where many orders are left unpaid; 0: never

[privacy]
# So many days after an event's end the bot forgets who was there.
purge_days = 90

[changes]
# So long after a note moves its event, holders may give tickets back for the whole price.
refund_hours = 72

[reminders]
# Hours before an event starts: a word to everybody with a ticket, and their ticket once more to
# whom no relay could bring it. 0: none.
hours_before = 24
last_call_hours = 3
# Who ordered so shortly before the reminder gets none.
quiet_hours = 12

[performance]
# Processes that encrypt and sign beside the bot when it is busy, 25 MB each.
crypto_workers = 0   # 1 on a machine with two cores
"""


def _line(key: str, value: str, instead: str, meaning: str) -> str:
    mark = "" if value else "# "
    return f"{mark}{key} = {toml(value or instead)}   # {meaning}\n"


def write_example(path: Path, answers: Answers) -> None:
    """Make the file; Broken when there is one already."""
    _make(path, example(answers), 0o644)


def write_secret(path: Path, text: str) -> None:
    """Make a key file of mode 0600, kept through a power cut; Broken when there is one."""
    _make(path, text + "\n", 0o600)


def _make(path: Path, text: str, mode: int) -> None:
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise Broken(f"{path} exists already, and is left as it is") from None
    except OSError as error:
        raise Broken(f"{path} cannot be written ({error.strerror})") from None
    with os.fdopen(file, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
