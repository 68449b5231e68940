"""When a trouble is told, when its end is, and that neither is told twice."""

from __future__ import annotations

from ticketbot.alarms import ALARMS, Alarm, Ringing, step
from ticketbot.texts import sentences

ALARM = Alarm("wallet", 60, "begins", "over")


def play(*rounds: tuple[int, bool]) -> list[tuple[int, str]]:
    """What is said in these rounds: (second, is the trouble there)."""
    state: Ringing | None = None
    said = []
    for now, there in rounds:
        state, sentence = step(ALARM, state, there, now)
        if sentence is not None:
            said.append((now, sentence))
    return said


def test_a_trouble_is_told_once_when_it_lasts_and_once_when_it_is_over() -> None:
    rounds = [(second, 100 <= second < 10_000) for second in range(0, 20_000, 10)]
    assert play(*rounds) == [(160, "begins"), (10_060, "over")]


def test_a_short_trouble_is_nobodys_business() -> None:
    assert play((0, True), (10, True), (20, False), (200, False)) == []


def test_one_that_comes_and_goes_is_told_once() -> None:
    flickers = [(second, second % 50 < 30) for second in range(0, 5000, 10)]
    assert play((0, True), (70, True), *((100 + at, there) for at, there in flickers)) == [
        (70, "begins")
    ]


def test_a_clock_that_is_put_back_does_not_make_it_wait() -> None:
    assert play((10_000, True), (5, True), (66, True)) == [(66, "begins")]
    assert play((0, True), (60, True), (10_000, False), (100, False), (161, False)) == [
        (60, "begins"),
        (161, "over"),
    ]


def test_every_alarm_has_its_sentences() -> None:
    known = sentences("en")
    assert len({alarm.name for alarm in ALARMS}) == len(ALARMS)
    for alarm in ALARMS:
        assert {alarm.begins, alarm.over} <= known.keys()
