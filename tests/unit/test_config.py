"""The configuration: what it says, and what it says of each mistake."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from ticketbot.config import (
    ANYONE,
    Config,
    ConfigProblems,
    Secret,
    Web,
    load,
)
from ticketbot.errors import Broken

# the key pair of NIP-19's examples
NSEC = "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5"
NSEC_HEX = "67dea2ed018072d675f5415ecfaed7d2597555e202d85b3d65ea4e58d2d92ffa"
NPUB = "npub180cvv07tjdrrgpa0j7j7tmnyl2yr6yr7l8j4s3evf6u64th6gkwsyjh6w6"
HEX = "3bf0c63fcb93463407af97a5e5ee64fa883d107ef9e558472c4eb9aaaefa459d"
KEY = "ab" * 16


class House:
    """A folder with a configuration and its keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env: dict[str, str] = {}
        self.key("nsec", NSEC)
        self.key("lnbits-invoice-key", KEY)
        self.says('[nostr]\nrelays = ["wss://nos.lol"]')

    @property
    def file(self) -> Path:
        return self.folder / "config.toml"

    def key(self, name: str, text: str, mode: int = 0o600) -> Path:
        path = self.folder / name
        path.write_text(text + "\n")
        path.chmod(mode)
        return path

    def says(self, toml: str) -> None:
        self.file.write_text(toml)

    def load(self) -> Config:
        return load(self.file, self.env)

    def mistakes(self) -> list[str]:
        with pytest.raises(ConfigProblems) as caught:
            self.load()
        return [str(problem) for problem in caught.value.problems]

    def mistake(self) -> str:
        (text,) = self.mistakes()
        return text


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_little_is_enough(house: House) -> None:
    config = house.load()
    assert config.bot.nsec.reveal() == NSEC
    assert config.nostr.relays == ("wss://nos.lol",)
    assert config.lnbits is not None
    assert config.lnbits.invoice_key.reveal() == KEY
    assert config.lnbits.admin_key is None
    assert not config.lightning.allow_private_lnurl
    assert config.web is None
    assert config.ledger.path == house.folder / "ledger.db"
    assert config.sales.hold_seconds == 600
    assert config.file == house.file


def test_the_contracts_example_says_what_it_says(house: House) -> None:
    house.says(f"""
[bot]
name = "Lisbon Tickets"
about = "Tickets for Lisbon meetups. Send me: events"
nsec_file = "nsec"
ticket_key_file = "ticket-key"
operators = ["{NPUB}"]
organizers = ["*"]
[nostr]
relays = ["wss://relay.damus.io", "wss://nos.lol"]
ephemeral_tickets = "when-asked"
[lightning]
wallet = "lnbits"
[lnbits]
url = "https://lnbits.example/"
invoice_key_file = "lnbits-invoice-key"
admin_key_file = ""
requests_per_minute = 500
[ledger]
url = "sqlite:////srv/ledger.db"
[web]
listen = "[::1]:8080"
public_url = "https://tickets.example/"
[sales]
hold_seconds = 300
max_holds_per_buyer = 1
max_tickets_per_order = 4
[limits]
messages_per_minute = 30
""")
    config = house.load()
    assert config.bot.operators == {HEX}
    assert config.bot.organizers is ANYONE
    assert config.nostr.ephemeral_tickets == "when-asked"
    assert config.lnbits is not None
    assert config.lnbits.url == "https://lnbits.example"
    assert config.ledger.path == Path("/srv/ledger.db")
    assert config.web == Web("::1", 8080, "https://tickets.example")
    assert (config.sales.max_tickets_per_order, config.limits.messages_per_minute) == (4, 30)
    assert config.warnings == ()


@pytest.mark.parametrize(
    ("toml", "key", "hint"),
    [
        ("[bot]\nname = 3", "bot.name", 'like name = "ticketbot"'),
        ('[bot]\nname = " "', "bot.name", 'like name = "Lisbon Tickets"'),
        ('[bot]\nname = "a\\nb"', "bot.name", "one line of text"),
        ('[bot]\noperators = "npub1"', "bot.operators", "a list of strings"),
        ('[bot]\noperators = ["npub1xyz"]', "bot.operators[1]", "a typing error"),
        (f'[bot]\noperators = ["{NPUB}", "bob"]', "bot.operators[2]", '"bob" is not npub1…'),
        (f'[bot]\norganizers = ["*", "{NPUB}"]', "bot.organizers[1]", '"*" is not npub1…'),
        ('[bot]\nnsec_file = "gone"', "bot.nsec_file", "`ticketbot init` makes a key"),
        ("[nostr]\nrelays = []", "nostr.relays", 'like relays = ["wss://'),
        ('[nostr]\nrelays = ["nos.lol"]', "nostr.relays[1]", '"nos.lol" is not the URL'),
        ('[nostr]\nrelays = ["wss://a:b"]', "nostr.relays[1]", "is not the URL of a relay"),
        ('[nostr]\nephemeral_tickets = "yes"', "nostr.ephemeral_tickets", '"when-asked"'),
        ('[nostr]\nproxy = "tor"', "nostr.proxy", "socks5h://127.0.0.1:9050"),
        ("[nostr]\nallow_private_relays = 1", "nostr.allow_private_relays", "true or false"),
        (
            '[lightning]\nallow_private_lnurl = "y"',
            "lightning.allow_private_lnurl",
            "true or false",
        ),
        ('[lightning]\nwallet = "lnd"', "lightning.wallet", 'one of "lnbits", "fake"'),
        ('[lnbits]\nurl = "localhost:5000"', "lnbits.url", "http://127.0.0.1:5000"),
        ('[lnbits]\ninvoice_key_file = "gone"', "lnbits.invoice_key_file", "chmod 600"),
        ('[lnbits]\nadmin_key_file = "gone"', "lnbits.admin_key_file", "does not exist"),
        ("[lnbits]\nrequests_per_minute = 0", "lnbits.requests_per_minute", "from 10 to"),
        ('[ledger]\nurl = "ledger.db"', "ledger.url", "sqlite:///ledger.db"),
        ('[ledger]\nurl = "postgresql://u:pw@h/d"', "ledger.url", "sqlite:///ledger.db"),
        ('[web]\nlisten = "8080"', "web.listen", "127.0.0.1:8080"),
        ('[web]\nlisten = "127.0.0.1:99999"', "web.listen", "127.0.0.1:8080"),
        ('[web]\npublic_url = "https://t.example"', "web.public_url", "add web.listen"),
        ('[web]\nlisten = "::8"\npublic_url = "t"', "web.public_url", "https://tickets"),
        ("[sales]\nhold_seconds = 1.5", "sales.hold_seconds", "like hold_seconds = 600"),
        ('[sales]\nhold_seconds = "600"', "sales.hold_seconds", "a whole number"),
        ("[sales]\nmax_tickets_per_order = true", "sales.max_tickets_per_order", "from 1 to 100"),
        ("[limits]\nmessages_per_minute = -1", "limits.messages_per_minute", "like messages_per"),
        ('[attendance]\nmode = "names"', "attendance.mode", '"anonymous", "off", "full"'),
        ("[attendance]\nthanks = 1", "attendance.thanks", "true or false"),
        ("[bot]\nrelays = []", "bot.relays", "the nearest known one is nostr.relays"),
        ("[bot]\nnsec = 1", "bot.nsec", "the nearest known one is bot.nsec_file"),
        ("[nosrt]\nrelays = 1", "nosrt", "the nearest known one is nostr"),
        ("name = 'x'", "name", "the nearest known one is bot.name"),
        ("web = 3", "web", "unknown key"),
    ],
)
def test_each_mistake_is_told_in_a_line(house: House, toml: str, key: str, hint: str) -> None:
    if "relays" not in toml or "[bot]" in toml or "nosrt" in toml:
        house.env["TICKETBOT_NOSTR_RELAYS"] = "wss://nos.lol"
    house.says(toml)
    lines = [line for line in house.mistakes() if f": {key}: " in line]
    assert len(lines) == 1
    assert hint in lines[0]
    assert "\n" not in lines[0]


def test_all_mistakes_come_at_once(house: House) -> None:
    house.says('[bot]\nnsec_file = "gone"\ncolour = 1\n[sales]\nhold_seconds = "ten"')
    with pytest.raises(ConfigProblems) as caught:
        house.load()
    assert {problem.key for problem in caught.value.problems} == {
        "bot.nsec_file",
        "bot.colour",
        "nostr.relays",
        "sales.hold_seconds",
    }
    assert str(caught.value).startswith("4 mistakes in the configuration:\n  ")
    assert caught.value.exit_code == 78
    assert isinstance(caught.value, Broken)


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b"[bot", "is not TOML"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"a = 1\na = 2", "is not TOML"),
    ],
)
def test_a_file_that_cannot_be_understood(house: House, content: bytes, wrong: str) -> None:
    house.file.write_bytes(content)
    assert wrong in house.mistake()


def test_no_file_at_all(
    house: House, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.file.unlink()
    assert house.mistake() == f"{house.file}: cannot be read (No such file or directory)"
    monkeypatch.chdir(tmp_path_factory.mktemp("empty"))
    with pytest.raises(ConfigProblems, match="`ticketbot init` makes one"):
        load(None, {})


def test_without_a_path_the_working_folder_is_looked_at(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(house.folder)
    assert load(None, {}).file == house.file


def test_variables_override_every_kind_of_key(house: House) -> None:
    house.env = {
        "TICKETBOT_BOT_NAME": "Porto",
        "TICKETBOT_BOT_OPERATORS": f"{NPUB}, {'0' * 63}1",
        "TICKETBOT_NOSTR_ALLOW_PRIVATE_RELAYS": "true",
        "TICKETBOT_LIGHTNING_ALLOW_PRIVATE_LNURL": "true",
        "TICKETBOT_WEB_LISTEN": "127.0.0.1:0",
        "TICKETBOT_SALES_HOLD_SECONDS": "30",
        "PATH": "/bin",
    }
    config = house.load()
    assert config.bot.name == "Porto"
    assert config.bot.operators == {HEX, "0" * 63 + "1"}
    assert config.nostr.allow_private_relays
    assert config.lightning.allow_private_lnurl
    assert config.web == Web("127.0.0.1", 0, None)
    assert config.sales.hold_seconds == 30


def test_a_mistake_in_a_variable_names_the_variable(house: House) -> None:
    house.env = {"TICKETBOT_SALES_HOLD_SECONDS": "ten"}
    assert house.mistake().startswith("TICKETBOT_SALES_HOLD_SECONDS: sales.hold_seconds: ")
    house.env = {"TICKETBOT_SALES_HOLD_SECOND": "10"}
    assert house.mistake() == (
        "TICKETBOT_SALES_HOLD_SECOND: unknown variable; "
        "the nearest known one is TICKETBOT_SALES_HOLD_SECONDS"
    )


def test_the_state_folder_takes_the_ledger_and_a_new_ticket_key(
    house: House, tmp_path: Path
) -> None:
    house.env = {"STATE_DIRECTORY": "/var/lib/ticketbot:/elsewhere"}
    config = house.load()
    assert config.ledger.path == Path("/var/lib/ticketbot/ledger.db")
    assert config.bot.ticket_key is None
    assert config.bot.ticket_key_file == Path("/var/lib/ticketbot/ticket-key")
    house.key("ticket-key", "0" * 64)
    config = house.load()
    assert config.bot.ticket_key_file == tmp_path / "ticket-key"
    assert config.bot.ticket_key == Secret("0" * 64)


def test_credentials_come_first(house: House, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("credentials")
    secrets = {
        "nsec": "1" * 64,
        "ticket_key": "2" * 64,
        "lnbits_invoice_key": KEY,
        "lnbits_admin_key": "cd" * 16,
    }
    for name, text in secrets.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o444)  # in a folder that systemd keeps
    house.env = {"CREDENTIALS_DIRECTORY": str(folder), "TICKETBOT_NSEC": "3" * 64}
    config = house.load()
    assert config.bot.nsec.reveal() == "1" * 64
    assert config.bot.ticket_key is not None
    assert config.bot.ticket_key.reveal() == "2" * 64
    assert config.lnbits is not None
    assert config.lnbits.admin_key == Secret("cd" * 16)
    assert not any("TICKETBOT_NSEC" in warning for warning in config.warnings)


def test_a_secret_in_a_variable_is_taken_with_a_warning(house: House) -> None:
    (house.folder / "nsec").unlink()
    (house.folder / "lnbits-invoice-key").unlink()
    house.env = {
        "TICKETBOT_NSEC": "3" * 64,
        "TICKETBOT_LNBITS_INVOICE_KEY": KEY,
        "TICKETBOT_LNBITS_ADMIN_KEY": "cd" * 16,
    }
    config = house.load()
    assert config.lnbits is not None
    assert config.lnbits.admin_key == Secret("cd" * 16)
    assert config.lnbits.admin_key in config.secrets()
    assert config.bot.nsec.reveal() == "3" * 64
    told = {line.split()[0] for line in config.warnings if "is set: other programs" in line}
    assert told == set(house.env)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (NPUB, "the public half of a key"),
        (NSEC[:-1] + "q", "an nsec with a typing error"),
        ("hello", "is no nsec, which has 63 characters and begins with nsec1"),
        ("", "is empty"),
        (f"{NSEC} {NSEC}", "holds more than a key"),
    ],
)
def test_a_bad_nsec_is_told_and_never_shown(house: House, text: str, wrong: str) -> None:
    house.key("nsec", text)
    line = house.mistake()
    assert wrong in line
    assert not text or text not in line


def test_a_key_pasted_into_the_wrong_place_is_not_repeated(house: House) -> None:
    relays = '[nostr]\nrelays = ["wss://nos.lol"]'
    house.says(f'[bot]\nnsec_file = "{NSEC}"\noperators = ["{NSEC}"]\n{relays}')
    lines = house.mistakes()
    assert {line.split(": ")[1] for line in lines} == {"bot.nsec_file", "bot.operators[1]"}
    assert NSEC not in "".join(lines)


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o660, 0o666])
def test_a_key_that_others_reach_is_refused_with_the_command_to_run(
    house: House, mode: int
) -> None:
    path = house.key("nsec", NSEC, mode)
    assert house.mistake().endswith(f"run: chmod 600 {path}")


def test_a_key_that_the_group_reads_is_a_warning(house: House) -> None:
    path = house.key("lnbits-invoice-key", KEY, 0o640)
    assert f"{path}: its group can read this key (mode 0640)" in house.load().warnings


def test_keys_that_are_no_files(house: House) -> None:
    (house.folder / "nsec").unlink()
    (house.folder / "nsec").mkdir()
    (house.folder / "lnbits-invoice-key").write_bytes(b"\xff")
    assert [line.split(": ")[-1] for line in house.mistakes()] == [
        "cannot be read (Is a directory)",
        "is not text",
    ]


def test_a_ticket_key_that_is_damaged_is_not_made_anew(house: House) -> None:
    house.key("ticket-key", "0" * 63)
    assert "restore it from a backup" in house.mistake()


def test_the_fake_wallet_needs_no_lnbits_and_says_so(house: House) -> None:
    (house.folder / "lnbits-invoice-key").unlink()
    house.env = {"TICKETBOT_LIGHTNING_WALLET": "fake"}
    config = house.load()
    assert config.lnbits is None
    assert any("play money" in warning for warning in config.warnings)


def test_what_works_but_should_not_stay_so_is_a_warning(house: House) -> None:
    house.env = {
        "TICKETBOT_WEB_LISTEN": "0.0.0.0:80",
        "TICKETBOT_WEB_PUBLIC_URL": "http://t.example",
    }
    text = "\n".join(house.load().warnings)
    for words in ("operators is empty", "organizers is empty", "public_url is http"):
        assert words in text


def test_relays_that_differ_by_a_slash_are_one(house: House) -> None:
    house.env = {"TICKETBOT_NOSTR_RELAYS": "wss://NOS.lol/,wss://nos.lol,ws://127.0.0.1:7777"}
    assert len(house.load().nostr.relays) == 2


def test_a_secret_shows_nothing(house: House) -> None:
    config = house.load()
    for shown in (repr(config), str(config), f"{config.bot.nsec}", f"{config.bot.nsec!r:>9}"):
        assert NSEC not in shown
        assert KEY not in shown
    assert repr(config.bot.nsec) == ""
    with pytest.raises(TypeError):
        pickle.dumps(config)
    assert {secret.reveal() for secret in config.secrets()} == {NSEC, NSEC_HEX, KEY}
