"""From a ticket's story to a visit, and from visits to an evening's figures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketbot.domain.admission import Move, Outcome
from ticketbot.domain.attendance import FEWEST, Visit, reckon, visit

R = Outcome


def story(*moves: tuple[Outcome, int]) -> list[Move]:
    return [Move(outcome, at, "") for outcome, at in moves]


@pytest.mark.parametrize(
    ("moves", "came_to"),
    [
        ([], None),
        ([(R.ADMITTED, 100)], Visit(100, None, None)),
        ([(R.ADMITTED, 100), (R.LEFT, 400)], Visit(100, 400, 300)),
        (
            [(R.ADMITTED, 100), (R.LEFT, 400), (R.READMITTED, 1000), (R.LEFT, 1100)],
            Visit(100, 1100, 400),
        ),
        ([(R.ADMITTED, 100), (R.LEFT, 400), (R.READMITTED, 1000)], Visit(100, None, None)),
        ([(R.ADMITTED, 100), (R.ENTRY_UNDONE, 110)], None),
        ([(R.ADMITTED, 100), (R.LEFT, 400), (R.EXIT_UNDONE, 410)], Visit(100, None, None)),
        ([(R.ADMITTED, 100), (R.ALREADY_USED, 90)], Visit(100, None, None)),
    ],
)
def test_a_story_is_a_visit(moves: list[tuple[Outcome, int]], came_to: Visit | None) -> None:
    assert visit(story(*moves)) == came_to


def test_the_figures_of_an_evening() -> None:
    stories = [
        story((R.ADMITTED, 100), (R.LEFT, 200)),
        story((R.ADMITTED, 150), (R.LEFT, 450)),
        story((R.ADMITTED, 200)),
        story((R.ADMITTED, 180), (R.ENTRY_UNDONE, 190)),
    ]
    figures = reckon(10, 7, stories, shy=False)
    assert (figures.came, figures.inside, figures.away) == (3, 1, 7)
    assert (figures.peak, figures.peak_at) == (2, 150)  # one leaves as another comes
    assert figures.stay == 200


def test_few_visitors_are_only_counted() -> None:
    stories = [story((R.ADMITTED, at), (R.LEFT, at + 60)) for at in range(FEWEST)]
    few, enough = (reckon(9, 4, stories[:number], shy=True) for number in (FEWEST - 1, FEWEST))
    assert (few.came, few.peak, few.peak_at, few.stay) == (FEWEST - 1, None, None, None)
    assert (enough.peak, enough.stay) == (FEWEST, 60)
    open_ = [*stories[1:], story((R.ADMITTED, 1))]
    assert reckon(9, 4, open_, shy=True).stay is None


@given(st.lists(st.lists(st.integers(0, 10_000), min_size=1, max_size=6, unique=True), max_size=30))
def test_figures_agree_with_each_other(evenings: list[list[int]]) -> None:
    stories = []
    for times in evenings:
        outcomes = [R.LEFT if n % 2 else R.READMITTED if n else R.ADMITTED for n in range(6)]
        stories.append(story(*zip(outcomes, sorted(times), strict=False)))
    figures = reckon(len(stories), 0, stories, shy=False)
    assert figures.came == len(stories)
    assert figures.inside == sum(len(one) % 2 for one in stories)
    if stories:
        assert figures.peak is not None and figures.inside <= figures.peak <= figures.came
