"""Secrets come from a systemd credential, a variable (with a warning) or a key file."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ticketbot.config.people import Misread
from ticketbot.config.reader import KEY, Reader
from ticketbot.config.values import Secret

_OTHERS = stat.S_IRWXO | stat.S_IWGRP
_LONGEST = 4096


class Source(NamedTuple):
    """Where one secret may stand; looked for in this order.

    `hint` tells what to do when there is none; without a hint there need not be any.
    """

    section: str
    key: str
    credential: str
    variable: str | None
    file: Path | None
    hint: str = ""


def key_file(reader: Reader, section: str, key: str, default: str) -> Path | None:
    """The file that a key names, relative to the configuration's folder."""
    name = reader.text(section, key, default) or default
    if KEY.fullmatch(name):
        wrong = "holds a secret key: put it into a file, and that file's name here"
        reader.wrong(f"{section}.{key}", wrong)
        return None
    return reader.folder / name if name else None


def read_secret(reader: Reader, source: Source, check: Callable[[str], str]) -> Secret | None:
    """The secret, or None when there is none; what is wrong goes to `reader`.

    `check` returns the text to keep, or raises Misread.
    """
    found = _find(reader, source)
    if found is None:
        return None
    where, text = found
    try:
        if len(text.split()) != 1:
            raise Misread("holds more than a key: one line is expected" if text else "is empty")
        return Secret(check(text))
    except Misread as error:
        reader.wrong(f"{source.section}.{source.key}", str(error), where)
        return None


def _find(reader: Reader, source: Source) -> tuple[str, str] | None:
    """Where the secret stands, and its text."""
    folder = reader.env.get("CREDENTIALS_DIRECTORY")
    credential = Path(folder, source.credential) if folder else None
    if credential is not None and credential.exists():
        return _read(reader, credential, guarded=False)
    if source.variable is not None and source.variable in reader.env:
        reader.warnings.append(
            f"{source.variable} is set: other programs can read a process's environment; "
            f"a credential or {source.section}.{source.key} is safer"
        )
        return source.variable, reader.env[source.variable].strip()
    if source.file is None:
        return None
    if source.file.exists():
        return _read(reader, source.file, guarded=True)
    if source.hint:
        name = f"{source.section}.{source.key}"
        reader.wrong(name, f"does not exist; {source.hint}", str(source.file))
    return None


def _read(reader: Reader, path: Path, *, guarded: bool) -> tuple[str, str] | None:
    """The path and the file's text. `guarded`: its owner, at most its group, may read it."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(_LONGEST).decode().strip()
    except OSError as error:
        reader.wrong("", f"cannot be read ({error.strerror})", str(path))
        return None
    except UnicodeDecodeError:
        reader.wrong("", "is not text", str(path))
        return None
    if guarded and mode & _OTHERS:
        wrong = f"others can reach this key (mode {mode:04o}); run: chmod 600 {path}"
        reader.wrong("", wrong, str(path))
    elif guarded and mode & stat.S_IRGRP:
        reader.warnings.append(f"{path}: its group can read this key (mode {mode:04o})")
    return str(path), text
