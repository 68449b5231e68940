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
        flat |= read_sentences(file.read_text("utf-8"))
    return flat


def read_sentences(toml: str) -> dict[str, str]:
    """The sentences of one file."""
    flat: dict[str, str] = {}
    for key, value in tomllib.loads(toml).items():
        if isinstance(value, dict):
            flat |= {f"{key}.{form}": text.strip("\n") for form, text in value.items()}
        else:
            flat[key] = value.strip("\n")
    return flat


def has(key: str) -> bool:
    """Whether there is a sentence of this name."""
    return key in sentences(DEFAULT)


def say(key: str, language: str = DEFAULT, **values: object) -> str:
    """The sentence, filled. A key that no locale has is a bug: KeyError.

    What a language lacks is said in the default one: an English word is better than none.
    """
    for known in (sentences(language), sentences(DEFAULT)):
        for name in (key, f"{key}.{'one' if values.get('n') == 1 else 'other'}"):
            if name in known:
                return known[name].format(**values)
    raise KeyError(key)
