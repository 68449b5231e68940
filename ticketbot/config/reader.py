"""Typed reading of one TOML file under its environment; mistakes are kept, not raised."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar

from ticketbot.errors import Broken

PREFIX = "TICKETBOT_"
OTHER_VARIABLES = (
    "TICKETBOT_NSEC",
    "TICKETBOT_LNBITS_INVOICE_KEY",
    "TICKETBOT_LNBITS_ADMIN_KEY",
    "TICKETBOT_FAILPOINTS",
    "TICKETBOT_DEBUG",
)
_SHOWN = 60
KEY = re.compile(r"nsec1[0-9a-z]+|[0-9a-f]{32,}", re.IGNORECASE)
_KEY_MATERIAL = re.compile(r"[0-9a-fA-F]{16}|nsec1|://\S*@", re.IGNORECASE)
_PASSWORD = re.compile(r"://[^\s/@]+@")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NO_SECTION: Mapping[str, object] = {}

Choice = TypeVar("Choice", bound=str)


class Problem(NamedTuple):
    """One mistake: `where` is a file or a variable, `key` is `section.key` or empty."""

    where: str
    key: str
    wrong: str

    def __str__(self) -> str:
        return ": ".join(filter(None, self))


class ConfigProblems(Broken):
    """The configuration has mistakes; each is told in a line. Exit code 78 (EX_CONFIG)."""

    exit_code = 78

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        lines = [str(problem) for problem in problems]
        if len(lines) > 1:
            lines = [f"{len(lines)} mistakes in the configuration:", *(f"  {x}" for x in lines)]
        super().__init__("\n".join(lines))
        self.problems = problems


class Reader:
    """The file's keys by section, each overridden by `TICKETBOT_<SECTION>_<KEY>`.

    Relative key files start at `folder`, the ledger at `state_folder`. A key is known once it
    was asked for: `finish` reports the others.
    """

    def __init__(self, path: Path, env: Mapping[str, str]) -> None:
        self.path = path
        self.env = env
        self.problems: list[Problem] = []
        self.warnings: list[str] = []
        self.folder = path.resolve().parent
        state = env.get("STATE_DIRECTORY", "").partition(":")[0]
        self.state_folder = Path(state) if state else self.folder
        self._known: set[tuple[str, str]] = set()
        self._file = self._parse()

    def _parse(self) -> dict[str, object]:
        try:
            text = self.path.read_text(encoding="utf-8")
            return tomllib.loads(text)
        except OSError as error:
            self.wrong("", f"cannot be read ({error.strerror})")
        except UnicodeDecodeError:
            self.wrong("", "is not UTF-8 text")
        except tomllib.TOMLDecodeError as error:
            self.wrong("", f"is not TOML: {error}{_line(text, str(error))}")
        raise ConfigProblems(tuple(self.problems))

    def wrong(self, key: str, text: str, where: str | None = None) -> None:
        """Keep a mistake; it stands in the file unless `where` says otherwise."""
        self.problems.append(Problem(where or str(self.path), key, text))

    def _ask(self, section: str, key: str) -> tuple[object, str]:
        """The value (None when absent) and where it stands."""
        self._known.add((section, key))
        variable = f"{PREFIX}{section}_{key}".upper()
        if variable in self.env:
            return self.env[variable], variable
        table = self._file.get(section, _NO_SECTION)
        value = table.get(key) if isinstance(table, dict) else None
        return value, str(self.path)

    def text(self, section: str, key: str, default: str, example: str = "") -> str:
        """A string of one line, stripped."""
        value, _ = self._ask(section, key)
        if value is None:
            return default
        if isinstance(value, str) and not _CONTROL.search(value):
            return value.strip()
        self.reject(section, key, value, "one line of text", example or default)
        return default

    def number(self, section: str, key: str, default: int, least: int, most: int) -> int:
        value, where = self._ask(section, key)
        if value is None:
            return default
        if isinstance(value, str) and where != str(self.path):
            value = int(value) if value.strip().isdecimal() else value
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        want = f"a whole number from {least} to {most}"
        self.reject(section, key, value, want, default)
        return default

    def flag(self, section: str, key: str, default: bool) -> bool:
        value, where = self._ask(section, key)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        if where != str(self.path) and value in ("true", "false"):
            return value == "true"
        self.reject(section, key, value, "true or false", default)
        return default

    def choice(self, section: str, key: str, choices: tuple[Choice, ...]) -> Choice:
        """One of `choices`; the first is the default."""
        value, _ = self._ask(section, key)
        if value is None:
            return choices[0]
        for choice in choices:
            if value == choice:
                return choice
        want = "one of " + ", ".join(f'"{choice}"' for choice in choices)
        self.reject(section, key, value, want, choices[0])
        return choices[0]

    def texts(self, section: str, key: str, example: str) -> list[str]:
        """A list of strings; in a variable they are parted by commas."""
        value, where = self._ask(section, key)
        if value is None:
            return []
        if isinstance(value, str) and where != str(self.path):
            return [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return [item.strip() for item in value]
        self.reject(section, key, value, "a list of strings", [example])
        return []

    def reject(
        self,
        section: str,
        key: str,
        value: object,
        want: str,
        example: object = "",
        item: int | None = None,
    ) -> None:
        """Say that `value`, or the key's item of that number (from 1), is not what it must be."""
        text = f"{shown(value)} is not {want}"
        if example != "":
            text += f", like {key} = {toml(example)}"
        name = f"{section}.{key}" if item is None else f"{section}.{key}[{item}]"
        self.wrong(name, text, self._ask(section, key)[1])

    def finish(self) -> None:
        """Report what nobody asked for; raise ConfigProblems if there were any mistakes."""
        known = sorted(f"{section}.{key}" for section, key in self._known)
        sections = {section for section, _ in self._known}
        for section, table in self._file.items():
            if not isinstance(table, dict):
                self._unknown(section, "key", known)
            elif section not in sections:
                self._unknown(section, "section", sorted(sections))
            else:
                for key in table:
                    if (section, key) not in self._known:
                        self._unknown(f"{section}.{key}", "key", known)
        variables = [PREFIX + name.replace(".", "_").upper() for name in known]
        for name in self.env:
            if name.startswith(PREFIX) and name not in (*variables, *OTHER_VARIABLES):
                nearest = _nearest(name, [*variables, *OTHER_VARIABLES])
                self.wrong("", f"unknown variable; the nearest known one is {nearest}", name)
        if self.problems:
            raise ConfigProblems(tuple(self.problems))

    def _unknown(self, name: str, kind: str, known: list[str]) -> None:
        nearest = _nearest(name, known)
        self.wrong(KEY.sub("…", name), f"unknown {kind}; the nearest known one is {nearest}")


def _line(text: str, error: str) -> str:
    """The line that an error of tomllib points at, to be put behind it; not where a key may be."""
    found = re.search(r"at line ([0-9]+)", error)
    line = text.splitlines()[int(found[1]) - 1].strip() if found else ""
    return f": {shown(line)}" if line and not _KEY_MATERIAL.search(line) else ""


def _nearest(name: str, known: list[str]) -> str:
    return difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]


def shown(value: object) -> str:
    """A value as a message may repeat it: short, and never a secret key or a password."""
    text = _PASSWORD.sub("://…@", toml(value))
    if "nsec1" in text.lower():
        return "a secret key"
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def toml(value: object) -> str:
    """A string, integer, boolean or list of them as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + "".join(_escaped(char) for char in value) + '"'
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    return str(value)


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    return char if char >= " " and char != "\x7f" else f"\\u{ord(char):04x}"
