"""The documentation, held to the code: what it names exists, and what exists it names."""

from __future__ import annotations

import contextlib
import io
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ticketbot import __version__, envelopes
from ticketbot.cli import COMMANDS, DONE, FAILED, main
from ticketbot.config import ConfigProblems, example, load
from ticketbot.config.example import Answers
from ticketbot.config.reader import OTHER_VARIABLES, Reader
from ticketbot.domain.badge import AWARD, DEFINITION
from ticketbot.handlers.events.notes import NOTE_KINDS
from ticketbot.metrics import metrics
from ticketbot.relay import auth, directory, watch
from ticketbot.texts import sentences

ROOT = Path(__file__).parents[2]
CODE = ROOT / "ticketbot"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FENCED = re.compile(r"^ *```.*?^ *```$", re.M | re.S)


def page(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next of its rank or a higher one."""
    rank = heading.split()[0]
    found = re.search(
        rf"^{re.escape(heading)}$\n(.*?)(?=^#{{1,{len(rank)}}} |\Z)", text, re.M | re.S
    )
    assert found is not None, heading
    return found[1]


def rows(text: str) -> Iterator[list[str]]:
    """The cells of every row of the tables in a text."""
    for line in text.splitlines():
        if line.startswith("|") and not line.startswith("|---"):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def named(cell: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def source(folder: Path = CODE) -> str:
    return "\n".join(path.read_text("utf-8") for path in sorted(folder.rglob("*.py")))


# what the pages point to


def slugs(text: str) -> set[str]:
    """The anchors that a page has, as GitHub makes them of its headings."""
    found = re.findall(r"^#+ (.+)$", FENCED.sub("", text), re.M)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in found}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", FENCED.sub("", text)):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        if not target.exists() or (anchor and anchor not in slugs(target.read_text("utf-8"))):
            broken.append(link)
    assert broken == []


def test_files_and_tests_that_are_named_are_there() -> None:
    tests = source(ROOT / "tests")
    missing = []
    for path in PAGES:
        for name in named(FENCED.sub("", path.read_text("utf-8"))):
            if re.fullmatch(r"test_\w+", name) and f"def {name}(" not in tests:
                missing.append(name)
            if re.fullmatch(r"\w[\w./-]*/|\w[\w./-]*/[\w.-]+\.(py|toml|sql|md|lock)", name):
                places = (ROOT / name, CODE / name, path.parent / name)
                if not any(place.exists() for place in places):
                    missing.append(name)
    assert missing == []


def test_commands_that_are_shown_exist() -> None:
    makefile = page("Makefile")
    wrong = []
    for path in PAGES:
        text = path.read_text("utf-8")
        shown = "\n".join([*re.findall(r"`[^`\n]+`", FENCED.sub("", text)), *FENCED.findall(text)])
        words = re.findall(r"(?:^|[`/ ])ticketbot ([a-z]+)\b", shown, re.M)
        wrong += [f"ticketbot {word}" for word in words if word not in COMMANDS]
        targets = re.findall(r"(?:^|`)make ([a-z-]+)", shown, re.M)
        wrong += [f"make {name}" for name in targets if f"\n{name}:" not in makefile]
    assert wrong == []


def test_the_changelog_knows_this_version() -> None:
    assert f"## [{__version__}]" in page("CHANGELOG.md")


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "adr"
    files = sorted(path.name for path in folder.glob("[0-9]*.md"))
    index = (folder / "README.md").read_text("utf-8")
    assert re.findall(r"^\| \[\d{4}\]\(([^)]+)\)", index, re.M) == files
    assert len({name[:4] for name in files}) == len(files)
    for name in files:
        title = (folder / name).read_text("utf-8").splitlines()[0]
        assert title.startswith(f"# {int(name[:4])}. ")
        assert title.partition(". ")[2] in index


# docs/architecture.md


def test_every_room_has_its_line() -> None:
    table = section(page("docs/architecture.md"), "## The rooms")
    told = {name for row in rows(table) for name in named(row[0])}
    there = {
        f"{path.name}/" if path.is_dir() else path.name
        for path in CODE.iterdir()
        if path.name not in ("__pycache__", "__init__.py")
    }
    within = {f"handlers/{path.parent.name}/" for path in CODE.glob("handlers/*/__init__.py")}
    assert told == there | within


def test_who_may_import_whom_is_what_the_linter_keeps() -> None:
    project = tomllib.loads(page("pyproject.toml"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    (drawn,) = re.findall(r"^```text layers\n(.*?)^```", page("docs/architecture.md"), re.M | re.S)
    assert drawn.splitlines() == layers


def test_every_failpoint_says_what_is_found_after_it() -> None:
    table = section(page("docs/architecture.md"), "## Where it can be cut off")
    told = [name for row in rows(table) for name in named(row[0])]
    there = set(re.findall(r'failpoint\("([a-z-]+\.[a-z-]+)"\)', source()))
    assert sorted(told) == sorted(there)


# docs/operating.md

OPERATING = page("docs/operating.md")


def asked_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """Every key that the program asks a configuration for, by section."""
    keys: dict[str, set[str]] = {}
    ask = Reader._ask

    def spy(self: Reader, section: str, key: str) -> Any:
        keys.setdefault(section, set()).add(key)
        return ask(self, section, key)

    monkeypatch.setattr(Reader, "_ask", spy)
    path = tmp_path / "config.toml"
    path.write_text(example(Answers()))
    with contextlib.suppress(ConfigProblems):  # there are no key files, and none are needed here
        load(path, {})
    return keys


def test_every_key_is_documented_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = asked_keys(tmp_path, monkeypatch)
    told = {
        name: {row[0].strip("`") for row in rows(section(OPERATING, f"### `[{name}]`"))} - {"key"}
        for name in re.findall(r"^### `\[(\w+)\]`$", OPERATING, re.M)
    }
    assert told == keys


def test_numbers_have_the_defaults_that_are_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    defaults: dict[str, int] = {}
    number = Reader.number

    def spy(self: Reader, section: str, key: str, default: int, least: int, most: int) -> int:
        defaults[key] = default
        return number(self, section, key, default, least, most)

    monkeypatch.setattr(Reader, "number", spy)
    asked_keys(tmp_path, monkeypatch)
    printed = {row[0].strip("`"): row[1] for row in rows(OPERATING) if len(row) == 3}
    assert {key: printed[key] for key in defaults} == {k: f"`{n}`" for k, n in defaults.items()}


def test_every_variable_is_documented() -> None:
    told = section(OPERATING, "### The environment") + section(OPERATING, "## Configuration")
    names = {
        *OTHER_VARIABLES,
        *re.findall(r'"([A-Z]+(?:_[A-Z]+)+)" (?:not )?in os\.environ', source()),
    }
    names |= set(re.findall(r'env(?:iron)?\.get\("([A-Z_]+)"', source()))
    assert [name for name in sorted(names) if f"`{name}`" not in told] == []


def helped(*words: str) -> set[str]:
    """The options that `--help` shows for a command."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.raises(SystemExit):
        main([*words, "--help"])
    return set(re.findall(r"--[a-z]+(?:-[a-z]+)*", out.getvalue()))


def test_every_command_and_option_is_documented() -> None:
    common = {"--help", "--config", "--json", "--version"}
    table = section(OPERATING, "## Commands and exit codes")
    told = {named(row[0])[0]: row[2] for row in rows(table) if len(row) == 3 and named(row[0])}
    commands = {re.sub(r" [A-Z]+$", "", name).removeprefix("ticketbot "): name for name in told}
    assert set(commands) == {*COMMANDS, "orders show"}
    for words, name in commands.items():
        options = set(re.findall(r"--[a-z]+(?:-[a-z]+)*", told[name]))
        assert options == helped(*words.split()) - common, name
    assert [option for option in common if f"`{option}" not in table] == []


def test_every_exit_code_is_documented() -> None:
    table = section(OPERATING, "## Commands and exit codes")
    told = [row[0] for row in rows(table) if len(row) == 2]
    codes = (DONE, FAILED, 2, ConfigProblems.exit_code)
    assert told == ["exit code", *(f"`{code}`" for code in codes)]


def test_every_metric_is_documented() -> None:
    told = {name for row in rows(section(OPERATING, "### Metrics")) for name in named(row[0])}
    there = set()
    for line in metrics().text().decode().splitlines():
        if found := re.match(r"# TYPE (ticketbot_\w+) ", line):
            there.add(found[1])
    assert told == there


def test_every_alert_is_documented() -> None:
    told = {name for row in rows(section(OPERATING, "### Alerts")) for name in named(row[0])}
    known = sentences("en")
    assert told == {text for key, text in known.items() if key.startswith("alert-")}


def test_every_warning_of_the_log_is_documented() -> None:
    told = {name for row in rows(section(OPERATING, "### Logs")) for name in named(row[0])}
    call = re.compile(r'\.(info|warning|error)\(\s*"([a-z_]+\.[a-z_]+)"')
    calls = set(call.findall(source()))
    assert {name for level, name in calls if level != "info"} <= told
    assert told <= {name for _, name in calls}


def test_every_check_of_the_doctor_is_documented() -> None:
    told = " ".join(named(FENCED.sub("", section(OPERATING, "## Three commands"))))
    checks = (CODE / "cli" / "doctor.py").read_text() + (CODE / "cli" / "checks.py").read_text()
    names = set(re.findall(r'Check\(\s*f?"(\w[\w ]*)', checks))
    assert {"keys", "wallet key"} <= names
    assert [name for name in names if name.strip() not in told] == []


# docs/protocol.md and the README


def test_the_kinds_are_those_of_the_code() -> None:
    table = section(page("docs/protocol.md"), "## Kinds")
    told = {int(kind) for row in rows(table) for kind in re.findall(r"\b\d+\b", row[0])}
    letters = {envelopes.CHAT, envelopes.SEAL, envelopes.WRAP, envelopes.NIP04, envelopes.MACHINE}
    lists = {directory.PROFILE, directory.READ_RELAYS, directory.DM_RELAYS}
    own = {auth.AUTH_KIND, watch.ECHO_KIND, AWARD, DEFINITION}
    assert told == letters | lists | NOTE_KINDS | own
    readme = section(page("README.md"), "## What is public")
    assert {int(kind) for row in rows(readme) for kind in re.findall(r"\d+", row[0])} <= told
