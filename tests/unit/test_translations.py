"""Every language says what English says, file by file: what fails here is what is to be written."""

from __future__ import annotations

import re

import pytest

from tests.unit.test_texts import CODE, ENGLISH, placeholders
from ticketbot.domain.tongues import LANGUAGES
from ticketbot.domain.vocabulary import VERBS
from ticketbot.texts import read_sentences, say, sentences

OTHERS = sorted(LANGUAGES.keys() - {"en"})
FILES = sorted(path.name for path in (CODE / "locales" / "en").glob("*.toml"))
SAME_IN_SPANISH = {"span-hours", "span-minutes", "span-seconds"}
"""What is written alike for a reason: signs of units."""


def of_file(language: str, name: str) -> dict[str, str]:
    """The sentences of one file; none where it is missing."""
    path = CODE / "locales" / language / name
    return read_sentences(path.read_text("utf-8")) if path.exists() else {}


def test_every_language_has_its_folder_and_its_name() -> None:
    assert sorted(LANGUAGES) == sorted(path.name for path in (CODE / "locales").iterdir())


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("language", OTHERS)
def test_nothing_is_left_to_translate(language: str, name: str) -> None:
    """What fails here is the list of what is still to be written, as it stands in English."""
    there = of_file(language, name)
    missing = {key: text for key, text in of_file("en", name).items() if key not in there}
    assert missing == {}, f"locales/{language}/{name} lacks these"


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_says_nothing_of_its_own(language: str, name: str) -> None:
    english = of_file("en", name)
    assert sorted(of_file(language, name).keys() - english.keys()) == []
    odd = [
        key
        for key, text in of_file(language, name).items()
        if placeholders(text) != placeholders(english[key])
        and not (key.endswith(".one") and placeholders(text) ^ placeholders(english[key]) == {"n"})
    ]
    assert odd == []


@pytest.mark.parametrize("language", OTHERS)
def test_no_file_is_of_no_use(language: str) -> None:
    assert sorted(path.name for path in (CODE / "locales" / language).iterdir()) == FILES


def test_no_sentence_has_two_homes() -> None:
    """All files are read together: the second one of a name would silence the first."""
    homes: dict[str, list[str]] = {}
    for name in FILES:
        for key in of_file("en", name):
            homes.setdefault(key, []).append(name)
    assert {key: names for key, names in homes.items() if len(names) > 1} == {}


def test_no_spanish_sentence_was_left_in_english() -> None:
    same = {
        key
        for key, text in sentences("es").items()
        if text == ENGLISH[key] and re.search(r"[a-z]", re.sub(r"\{\w+\}", "", text))
    }
    assert same == SAME_IN_SPANISH


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_to_be_typed_is_the_same_in_every_language(language: str) -> None:
    """`…: refund me@example.com`: commands are English words, and understood by everybody."""
    other = sentences(language)
    wrong = []
    for key, text in ENGLISH.items():
        found = re.search(r": ([a-z]+)((?: [^.?]*)?)$", text)
        if found is None or VERBS.get(found[1]) != found[1] or found[1] == "lang":
            continue
        if not re.search(rf": {found[1]}\b", other.get(key, "")):
            wrong.append(key)
    assert wrong == []


def test_the_page_speaks_every_language_that_the_bot_does() -> None:
    """Its sentences stand in words.js: the same keys, the same placeholders, nothing in English."""
    spoken = words_of_the_page()
    assert sorted(spoken) == sorted(LANGUAGES)
    english = spoken["en"]
    assert len(english) > 20
    for language in OTHERS:
        assert list(spoken[language]) == list(english), language
        for key, text in spoken[language].items():
            assert placeholders(text) == placeholders(english[key]), key
            assert text != english[key], key


def words_of_the_page() -> dict[str, dict[str, str]]:
    """The sentences of web/page/words.js, by language and key."""
    source = (CODE / "web" / "page" / "words.js").read_text("utf-8")
    blocks = re.findall(r"^  (\w+): \{\n(.*?)^  \},$", source, re.M | re.S)
    row = re.compile(r"^    \"?([\w-]+)\"?:\s+\"((?:[^\"\\]|\\.)*)\",$", re.M)
    return {language: dict(row.findall(rows)) for language, rows in blocks}


def test_a_language_that_lacks_a_sentence_says_it_in_english(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sentences("es"), "tickets-none")
    assert say("tickets-none", "es") == ENGLISH["tickets-none"]
    with pytest.raises(KeyError):
        say("no-such-sentence", "es")
