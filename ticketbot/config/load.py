"""From a file and an environment to a Config, or to every mistake in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from ticketbot.config.people import Misread, public_key, secret_key, ticket_seed
from ticketbot.config.reader import ConfigProblems, Problem, Reader
from ticketbot.config.secrets import Source, key_file, read_secret
from ticketbot.config.values import (
    ANYONE,
    After,
    Bot,
    Changes,
    Commission,
    Config,
    Door,
    Ledger,
    Lightning,
    Limits,
    Lnbits,
    Nostr,
    Payouts,
    Performance,
    Privacy,
    Queue,
    Reminders,
    Sales,
    Secret,
    Web,
)

LEAST_PPM = 100  # a hundredth of a percent: less was meant as percent
MOST_PPM = 500_000  # half of it: more is a slip of the keyboard
SEARCHED = (Path("config.toml"), Path("/etc/ticketbot/config.toml"))
_SCHEDULES: tuple[Literal["on-request", "daily", "weekly"], ...] = (
    "on-request",
    "daily",
    "weekly",
)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def load(path: Path | None, env: Mapping[str, str]) -> Config:
    """Read `path`, or the first of SEARCHED that exists; raise ConfigProblems.

    Of `env` these count: `TICKETBOT_*`, `CREDENTIALS_DIRECTORY` and `STATE_DIRECTORY`, as
    systemd sets them.
    """
    reader = Reader(path or _search(), env)
    wallets: tuple[Literal["lnbits", "fake"], ...] = ("lnbits", "fake")
    wallet = reader.choice("lightning", "wallet", wallets)
    if wallet == "fake":
        reader.warnings.append('lightning.wallet is "fake": tickets are given for play money')
    config = Config(
        file=reader.path.absolute(),
        bot=_bot(reader),
        nostr=_nostr(reader),
        lightning=Lightning(wallet, reader.flag("lightning", "allow_private_lnurl", False)),
        lnbits=_lnbits(reader, used=wallet == "lnbits"),
        ledger=_ledger(reader),
        web=_web(reader),
        sales=Sales(
            hold_seconds=reader.number("sales", "hold_seconds", 600, 1, 86_400),
            max_holds_per_buyer=reader.number("sales", "max_holds_per_buyer", 2, 1, 100),
            max_tickets_per_order=reader.number("sales", "max_tickets_per_order", 10, 1, 100),
        ),
        privacy=Privacy(reader.number("privacy", "purge_days", 90, 1, 3650)),
        limits=Limits(
            messages_per_minute=reader.number("limits", "messages_per_minute", 60, 1, 100_000),
            newcomers_per_minute=reader.number("limits", "newcomers_per_minute", 2000, 1, 100_000),
            proof_of_work_bits=reader.number("limits", "proof_of_work_bits", 20, 0, 40),
        ),
        performance=Performance(reader.number("performance", "crypto_workers", 0, 0, 16)),
        after=_after(reader),
        door=Door(reader.number("door", "open_hours", 6, 0, 24 * 31)),
        changes=Changes(reader.number("changes", "refund_hours", 72, 0, 8760)),
        queue=Queue(reader.number("queue", "keep_minutes", 120, 5, 10_080)),
        reminders=Reminders(
            hours_before=reader.number("reminders", "hours_before", 24, 0, 720),
            last_call_hours=reader.number("reminders", "last_call_hours", 3, 0, 720),
            quiet_hours=reader.number("reminders", "quiet_hours", 12, 0, 720),
        ),
        commission=_commission(reader),
        payouts=Payouts(
            delay_hours=reader.number("payouts", "delay_hours", 24, 0, 8760),
            minimum_sats=reader.number("payouts", "minimum_sats", 1000, 1, 100_000_000),
            schedule=reader.choice("payouts", "schedule", _SCHEDULES),
        ),
        warnings=tuple(reader.warnings),
    )
    reader.finish()
    return config


def _after(reader: Reader) -> After:
    modes: tuple[Literal["anonymous", "off", "full"], ...] = ("anonymous", "off", "full")
    mode = reader.choice("attendance", "mode", modes)
    return After(mode, reader.flag("attendance", "thanks", True))


def _search() -> Path:
    for path in SEARCHED:
        if path.exists():
            return path
    places = " nor ".join(f"{'./' if not path.is_absolute() else ''}{path}" for path in SEARCHED)
    wrong = f"neither {places} exists; `ticketbot init` makes one, `--config PATH` names another"
    raise ConfigProblems((Problem("", "", wrong),))


def _bot(reader: Reader) -> Bot:
    name = reader.text("bot", "name", "ticketbot")
    if not name:
        reader.reject("bot", "name", name, "a name that people see", "Lisbon Tickets")
    about = reader.text("bot", "about", "Tickets over Lightning. Send me: events")
    nsec = Source(
        "bot",
        "nsec_file",
        "nsec",
        "TICKETBOT_NSEC",
        key_file(reader, "bot", "nsec_file", "nsec"),
        "`ticketbot init` makes a key for the bot",
    )
    ticket_file = _ticket_key_file(reader)
    ticket = Source("bot", "ticket_key_file", "ticket_key", None, ticket_file)
    operators = _people(reader, "operators", reader.texts("bot", "operators", "npub1…"))
    if not operators:
        reader.warnings.append("bot.operators is empty: nobody is told when something is wrong")
    named = reader.texts("bot", "organizers", "npub1…")
    organizers = ANYONE if named == ["*"] else _people(reader, "organizers", named)
    if organizers is not None and not organizers:
        reader.warnings.append("bot.organizers is empty: no event can be sold")
    return Bot(
        name=name,
        about=about,
        nsec=read_secret(reader, nsec, secret_key) or Secret(""),
        ticket_key=read_secret(reader, ticket, ticket_seed),
        ticket_key_file=ticket_file,
        operators=operators,
        organizers=organizers,
    )


def _ticket_key_file(reader: Reader) -> Path:
    """Where the ticket key is; when there is none yet, where it is to be made."""
    beside = (
        key_file(reader, "bot", "ticket_key_file", "ticket-key") or reader.folder / "ticket-key"
    )
    if beside.exists() or not beside.is_relative_to(reader.folder):
        return beside
    return reader.state_folder / beside.relative_to(reader.folder)


def _people(reader: Reader, key: str, texts: list[str]) -> frozenset[str]:
    found = set()
    for number, text in enumerate(texts, 1):
        try:
            found.add(public_key(text))
        except Misread as error:
            want = f"npub1… or 64 hex digits: it {error}"
            reader.reject("bot", key, text, want, item=number)
    return frozenset(found)


def _nostr(reader: Reader) -> Nostr:
    example = ["wss://relay.damus.io", "wss://nos.lol"]
    named = reader.texts("nostr", "relays", example[0])
    for number, text in enumerate(named, 1):
        if not _url(text, "ws", "wss"):
            reader.reject("nostr", "relays", text, "the URL of a relay", example, item=number)
    if not named:
        reader.reject("nostr", "relays", named, "a list of relays that people reach", example)
    proxy = reader.text("nostr", "proxy", "")
    if proxy and not _url(proxy, "socks5", "socks5h"):
        reader.reject("nostr", "proxy", proxy, "a SOCKS proxy", "socks5h://127.0.0.1:9050")
    ephemeral: tuple[Literal["always", "when-asked", "never"], ...]
    ephemeral = ("always", "when-asked", "never")
    return Nostr(
        relays=tuple({text.rstrip("/").lower(): text for text in named}.values()),
        ephemeral_tickets=reader.choice("nostr", "ephemeral_tickets", ephemeral),
        proxy=proxy or None,
        allow_private_relays=reader.flag("nostr", "allow_private_relays", False),
    )


def _lnbits(reader: Reader, *, used: bool) -> Lnbits | None:
    """The section is known, and its keys are read only where it is used."""
    example = "http://127.0.0.1:5000"
    url = reader.text("lnbits", "url", example)
    if not _url(url, "http", "https"):
        reader.reject("lnbits", "url", url, "an http or https URL", example)
    requests = reader.number("lnbits", "requests_per_minute", 200, 10, 1_000_000)
    hint = "put the wallet's invoice key (in LNbits: API docs) there, then chmod 600"
    invoice_file = key_file(reader, "lnbits", "invoice_key_file", "lnbits-invoice-key")
    admin_file = key_file(reader, "lnbits", "admin_key_file", "")
    if not used:
        return None
    invoice = Source(
        "lnbits",
        "invoice_key_file",
        "lnbits_invoice_key",
        "TICKETBOT_LNBITS_INVOICE_KEY",
        invoice_file,
        hint,
    )
    admin = Source(
        "lnbits",
        "admin_key_file",
        "lnbits_admin_key",
        "TICKETBOT_LNBITS_ADMIN_KEY",
        admin_file,
        'put the wallet\'s admin key there, or write admin_key_file = ""',
    )
    return Lnbits(
        url=url.rstrip("/"),
        invoice_key=read_secret(reader, invoice, str) or Secret(""),
        admin_key=read_secret(reader, admin, str),
        requests_per_minute=requests,
    )


def _commission(reader: Reader) -> Commission:
    """The rate for everybody, and `npub1…=PPM` for organizers who have another."""
    example = "npub1…=10000"
    rates = {}
    for number, text in enumerate(reader.texts("commission", "organizers", example), 1):
        who, _, ppm = (part.strip() for part in text.partition("="))
        try:
            if not (ppm.isdecimal() and int(ppm) <= MOST_PPM):
                raise Misread("lacks a rate")
            rates[public_key(who)] = int(ppm)
        except Misread as error:
            want = f"an organizer's npub and a rate from 0 to {MOST_PPM} millionths: it {error}"
            reader.reject("commission", "organizers", text, want, [example], item=number)
    share = reader.number("commission", "ppm", 0, 0, MOST_PPM)
    if 0 < share < LEAST_PPM:
        reader.warnings.append(
            f"commission.ppm is {share}, that is {share / 10_000} %; 20000 is 2 %"
        )
    return Commission(share, rates)


def _ledger(reader: Reader) -> Ledger:
    example = "sqlite:///ledger.db"
    url = reader.text("ledger", "url", example)
    scheme, _, rest = url.partition("://")
    if scheme in ("postgres", "postgresql"):
        reader.reject("ledger", "url", f"{scheme}://…", "supported yet; SQLite is", example)
    elif scheme != "sqlite" or not rest.startswith("/") or rest in ("/", "/:memory:"):
        reader.reject("ledger", "url", url, "the name of a ledger file", example)
    return Ledger(url, reader.state_folder / rest[1:])


def _web(reader: Reader) -> Web | None:
    listen = reader.text("web", "listen", "", "127.0.0.1:8080")
    public_url = reader.text("web", "public_url", "", "https://tickets.example").rstrip("/")
    public = _url(public_url, "http", "https")
    if public_url and (public is None or public.query or public.fragment):
        want = "the URL that people open"
        reader.reject("web", "public_url", public_url, want, "https://tickets.example")
    elif public_url and not listen:
        want = "of use while nothing listens; add web.listen"
        reader.reject("web", "public_url", public_url, want)
    elif public and public.scheme == "http" and public.hostname not in _LOOPBACK:
        reader.warnings.append("web.public_url is http: others on the way can read tickets")
    api = reader.flag("web", "api", True)
    per_minute = reader.number("web", "requests_per_minute", 120, 1, 100_000)
    if not listen:
        return None
    address = _url(f"tcp://{listen}", "tcp")
    if address is None or address.netloc != listen or address.port is None:
        reader.reject("web", "listen", listen, "host:port", "127.0.0.1:8080")
        return None
    return Web(address.hostname or "", address.port, public_url or None, api, per_minute)


def _url(text: str, *schemes: str) -> SplitResult | None:
    """The parts of an absolute URL with one of `schemes`, a host and no password; else None."""
    try:
        parts = urlsplit(text)
        bare = parts.username is None and (parts.port or 1) > 0
    except ValueError:
        return None
    good = bare and parts.scheme in schemes and parts.hostname and " " not in text
    return parts if good else None
