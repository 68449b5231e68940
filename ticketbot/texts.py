"""Every sentence the bot says stands in `locales/<language>/`; here they are found and filled.

Plain text: no Markdown, no links but the bot's own, one thing to do next. A sentence with a
plural has `key.one` and `key.other`, chosen by the value `n`.
"""

from __future__ import annotations

import functools
import tomllib
from importlib import resources

DEFAULT = "en"


@functools.cache
def sentences(language: str) -> dict[str, str]:
    """Every sentence of a language by its key, plurals as `key.one` and `key.other`."""
    folder = resources.files("ticketbot") / "locales" / language
    flat: dict[str, str] = {}
    for file in folder.iterdir():
        for key, value in tomllib.loads(file.read_text("utf-8")).items():
            if isinstance(value, dict):
                flat |= {f"{key}.{form}": text.strip("\n") for form, text in value.items()}
            else:
                flat[key] = value.strip("\n")
    return flat


def say(key: str, language: str = DEFAULT, **values: object) -> str:
    """The sentence, filled. A key that no locale has is a bug: KeyError."""
    known = sentences(language)
    if key not in known:
        key = f"{key}.{'one' if values.get('n') == 1 else 'other'}"
    return known[key].format(**values)
