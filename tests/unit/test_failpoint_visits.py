"""What is counted as met is what bots have logged, and whatever is not is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import visits

LOG = """{"event":"relay.up","level":"info"}
failpoint engine.before-settle: kill
{"says":"failpoint engine.after-settle: kill","level":"info"}
failpoint courier.before-publish: hang
"""


def test_only_what_the_failpoint_itself_wrote_counts() -> None:
    assert visits.met(LOG) == {
        ("engine.before-settle", "kill"),
        ("courier.before-publish", "hang"),
    }


def test_what_nobody_met_is_named() -> None:
    all_but_one = [name for name in visits.names() if name != "usher.after-page"]
    kept = "".join(f"failpoint {name}: kill\n" for name in all_but_one)
    assert visits.missing(kept, ["kill"]) == ["usher.after-page=kill"]
    assert len(visits.missing(kept, ["raise"])) == len(visits.names()) > 20


def test_many_evenings_share_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, kept = tmp_path / "bot.log", tmp_path / "visits"
    log.write_text(LOG)
    visits.keep(log)
    assert not kept.exists()
    monkeypatch.setenv("FAILPOINT_VISITS", str(kept))
    visits.keep(log)
    log.write_text("failpoint usher.after-page: raise\n")
    visits.keep(log)
    assert len(visits.met(kept.read_text())) == 3


@pytest.mark.parametrize("way", ["kill", "hang"])
def test_the_run_fails_when_one_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    kept = tmp_path / "visits"
    kept.write_text("".join(f"failpoint {name}: kill\n" for name in visits.names()))
    monkeypatch.setattr("sys.argv", ["visits", str(kept), way])
    assert visits.main() == (way != "kill")
    monkeypatch.setattr("sys.argv", ["visits", str(tmp_path / "nothing"), way])
    assert visits.main() == 1
