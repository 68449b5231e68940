"""Which tests stay together when several workers share them, and which come first.

The tests of a file share what is dear to set up: a bot, a relay, an LNbits, a browser. Those in
`ALONE` share nothing, and many take seconds each: they go to whoever is free. All come in the order
of their folders, so that the long ones begin, and files of milliseconds fill the end.
"""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling

ALONE = ("tests/chaos/", "tests/machine/", "tests/unit/test_bench.py")


class Rooms(LoadFileScheduling):
    """`--dist loadfile --no-loadscope-reorder`, but for those that stand alone."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if nodeid.startswith(ALONE) else super()._split_scope(nodeid)
