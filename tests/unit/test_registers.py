"""What each subject registers comes together whole: nothing is there twice, nothing is missing."""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter
from types import ModuleType, UnionType
from typing import get_args

import pytest

from ticketbot import handlers
from ticketbot.domain import requests, speech, vocabulary
from ticketbot.domain.command import Command


def subjects(package: ModuleType, register: str) -> Counter[object]:
    """Every key that a module below this package registers, and how often."""
    found: Counter[object] = Counter()
    for one in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        found.update(getattr(importlib.import_module(one.name), register, {}).keys())
    return found


@pytest.mark.parametrize(
    ("package", "register"),
    [
        (handlers, "COMMANDS"),
        (handlers, "OPERATOR_COMMANDS"),
        (requests, "REQUESTS"),
    ],
)
def test_every_line_counts_and_none_hides_another(package: ModuleType, register: str) -> None:
    lines = subjects(package, register)
    assert lines
    assert dict(lines) == dict.fromkeys(getattr(package, register), 1)


def test_every_command_is_answered() -> None:
    assert isinstance(Command, UnionType)
    assert set(get_args(Command)) == {*handlers.COMMANDS, *handlers.OPERATOR_COMMANDS}


def test_every_verb_has_its_reader() -> None:
    assert set(vocabulary.VERBS.values()) == set(speech.READERS)
