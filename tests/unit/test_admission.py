"""The ticket's table at the door: complete, never admitting twice, and the one in the docs."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketbot.domain.admission import (
    GREEN,
    RED,
    TABLE,
    Facts,
    Happening,
    Hours,
    Kind,
    Move,
    Outcome,
    Shown,
    Standing,
    State,
    closed,
    diagram,
    happening,
    light,
    mismatch,
    standing,
    step,
)
from ticketbot.texts import sentences

NOW = 1_900_000_000
CHECKS_IN = (Happening.CHECK_IN, Happening.LATE_ENTRY)
EVENT, HASH = "31923:ab:lisbon", b"h" * 32
GOOD = Facts(EVENT, State.VALID, 1, HASH)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("happened", Happening)
def test_whatever_happens_has_an_answer_in_every_state(state: State, happened: Happening) -> None:
    after, outcome = step(state, happened)
    assert (after != state) == (outcome in GREEN), "green means that something was done"
    if state is State.VOID:
        assert (after, outcome) == (State.VOID, Outcome.VOID)


@pytest.mark.parametrize("happened", CHECKS_IN)
def test_a_ticket_that_is_inside_admits_nobody(happened: Happening) -> None:
    assert step(State.ADMITTED, happened) == (State.ADMITTED, Outcome.ALREADY_USED)


def test_nobody_is_taken_out_by_what_is_told_late() -> None:
    late = (Happening.LATE_ENTRY, Happening.LATE_OTHER)
    inside = {step(State.ADMITTED, happened).state for happened in late}
    assert inside == {State.ADMITTED}


def test_every_undo_takes_back_what_was_done() -> None:
    for happened, undo in (
        ((State.VALID, Happening.CHECK_IN), Happening.UNDO),
        ((State.ADMITTED, Happening.CHECKOUT), Happening.UNDO),
        ((State.ADMITTED, Happening.CHECKOUT), Happening.UNDO_RETURN),
        ((State.OUT, Happening.CHECK_IN), Happening.UNDO_RETURN),
    ):
        assert step(TABLE[happened].state, undo).state is happened[0]


def test_every_outcome_can_be_told_and_has_a_light() -> None:
    known = {key.partition(".")[0] for key in sentences("en")}
    assert [outcome for outcome in Outcome if f"scan-{outcome}" not in known] == []
    assert {light(outcome) for outcome in Outcome} == {"green", "amber", "red"}
    assert not GREEN & RED
    words = {key: text for key, text in sentences("en").items() if key.startswith("scan-")}
    for outcome in Outcome:
        told = [text for key, text in words.items() if key.partition(".")[0] == f"scan-{outcome}"]
        assert all(text.startswith(light(outcome).upper()) for text in told), outcome


def moves(*steps: tuple[Outcome, int]) -> list[Move]:
    return [Move(outcome, NOW + at, "A" if at % 2 else "B") for outcome, at in steps]


@pytest.mark.parametrize(
    ("story", "state", "entered"),
    [
        ([], State.VALID, None),
        ([(Outcome.ADMITTED, 10)], State.ADMITTED, 10),
        ([(Outcome.ADMITTED, 10), (Outcome.LEFT, 20)], State.OUT, 10),
        ([(Outcome.ADMITTED, 10), (Outcome.ENTRY_UNDONE, 20)], State.VALID, None),
        ([(Outcome.ADMITTED, 10), (Outcome.ALREADY_USED, 4)], State.ADMITTED, 4),
        ([(Outcome.ADMITTED, 10), (Outcome.ALREADY_USED, 14)], State.ADMITTED, 10),
        (
            [(Outcome.ADMITTED, 10), (Outcome.ALREADY_USED, 4), (Outcome.ENTRY_UNDONE, 20)],
            State.VALID,
            None,
        ),
        (
            [(Outcome.ADMITTED, 9), (Outcome.ENTRY_UNDONE, 10), (Outcome.ADMITTED, 11)],
            State.ADMITTED,
            11,
        ),
        ([(Outcome.ENTRY_UNDONE, 10)], State.VALID, None),
    ],
)
def test_a_story_is_read_to_its_end(
    story: list[tuple[Outcome, int]], state: State, entered: int | None
) -> None:
    known = standing(moves(*story))
    assert known.state is state
    assert (known.entered and known.entered.at - NOW) == entered


@given(
    st.lists(
        st.tuples(st.sampled_from(list(Kind)), st.booleans(), st.integers(-500, 500)), max_size=30
    )
)
def test_table_and_story_never_part(scans: list[tuple[Kind, bool, int]]) -> None:
    """Whatever is scanned, and told in whatever order: who is inside came once more than went."""
    state, story = State.VALID, list[Move]()
    for number, (kind, late, at) in enumerate(scans):
        when = NOW + (at if late else 1000 + number)
        what = happening(kind, standing(story), when, told_late=late)
        state, outcome = step(state, what)
        if outcome in GREEN or (outcome is Outcome.ALREADY_USED and late):
            story.append(Move(outcome, when, ""))
        known = standing(story)
        assert known.state is state
        for before, after in pairwise(known.moves):
            assert (before.outcome is Outcome.LEFT) != (after.outcome is Outcome.LEFT)
        assert (known.entered is None) == (not known.moves)


@pytest.mark.parametrize(
    ("shown", "facts", "kind", "outcome"),
    [
        (Shown("a", 1, HASH), GOOD, Kind.CHECK_IN, None),
        (Shown("a", 1), GOOD, Kind.CHECK_IN, None),
        (Shown("a"), GOOD, Kind.CHECK_IN, None),
        (Shown("a", 1, HASH), None, Kind.CHECK_IN, Outcome.UNKNOWN),
        (Shown("a", 2, HASH), GOOD, Kind.CHECK_IN, Outcome.UNKNOWN),
        (Shown("a", 1, b"x" * 32), GOOD, Kind.CHECK_IN, Outcome.REPLACED),
        (Shown("a", 1, HASH), GOOD._replace(version=2), Kind.CHECK_IN, Outcome.REPLACED),
        (Shown("a", 1, HASH), GOOD._replace(event_id="x"), Kind.CHECK_IN, Outcome.WRONG_EVENT),
        (Shown("a"), GOOD._replace(version=2), Kind.CHECK_IN, Outcome.TOKEN_NEEDED),
        (Shown("a"), GOOD._replace(version=2), Kind.UNDO, None),
        (Shown("a"), GOOD._replace(version=2, state=State.VOID), Kind.CHECK_IN, None),
    ],
)
def test_what_is_shown_is_held_against_the_ledger(
    shown: Shown, facts: Facts | None, kind: Kind, outcome: Outcome | None
) -> None:
    assert mismatch(shown, facts, EVENT, kind) is outcome


@pytest.mark.parametrize(
    ("now", "outcome"),
    [(99, Outcome.NOT_YET), (100, None), (199, None), (200, Outcome.OVER)],
)
def test_doors_open_and_close_on_the_second(now: int, outcome: Outcome | None) -> None:
    assert closed(Hours(100, 200), now) is outcome
    assert closed(Hours(100, 200, cancelled=True), now) is Outcome.CANCELLED


def test_the_docs_show_the_diagram_of_this_table() -> None:
    docs = Path(__file__).parents[2] / "docs" / "architecture.md"
    assert f"```mermaid\n{diagram()}\n```" in docs.read_text("utf-8")


ONCE = Standing((Move(Outcome.ADMITTED, NOW, "A"),))
TWICE = Standing((*ONCE.moves, Move(Outcome.LEFT, NOW + 10, "A")))


@pytest.mark.parametrize(
    ("known", "kind", "at", "told_late", "happened"),
    [
        (Standing(), Kind.CHECK_IN, NOW, True, Happening.CHECK_IN),
        (ONCE, Kind.CHECK_IN, NOW - 1, True, Happening.LATE_ENTRY),
        (ONCE, Kind.CHECK_IN, NOW, True, Happening.CHECK_IN),  # in the same second
        (ONCE, Kind.CHECKOUT, NOW - 1, True, Happening.LATE_OTHER),
        (ONCE, Kind.UNDO, NOW - 1, True, Happening.LATE_OTHER),
        (ONCE, Kind.CHECK_IN, NOW - 1, False, Happening.CHECK_IN),  # our clock was put back
        (TWICE, Kind.CHECKOUT, NOW + 9, True, Happening.LATE_OTHER),
        (TWICE, Kind.CHECKOUT, NOW + 9, False, Happening.CHECKOUT),
        (Standing(), Kind.UNDO, NOW, False, Happening.UNDO),
        (ONCE, Kind.UNDO, NOW, False, Happening.UNDO),
        (TWICE, Kind.UNDO, NOW + 10, False, Happening.UNDO_RETURN),
    ],
)
def test_what_a_scan_means_depends_on_what_is_known(
    known: Standing, kind: Kind, at: int, told_late: bool, happened: Happening
) -> None:
    assert happening(kind, known, at, told_late=told_late) is happened


def test_of_two_entries_in_one_second_the_first_that_was_told_counts() -> None:
    first, second = Move(Outcome.ADMITTED, NOW, "A"), Move(Outcome.ALREADY_USED, NOW, "B")
    assert standing([first, second]).entered == first
