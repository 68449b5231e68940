"""Another opinion of what a relay is: PyPI's nostr-relay."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.real.bot_process import ROOT, WITHIN, environment
from tests.real.relays import free_port

_RUN = """\
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(1)), daemon=True).start()
from nostr_relay.cli import main
main()
"""  # ends when its standard input does: however the tests die, it does not outlive them


class NostrRelay:
    """PyPI's nostr-relay, in a process and a venv of its own (`make relay2`).

    Another opinion of what a relay is: it stores kind 24133, answers duplicates with OK false,
    refuses with an OK for no event and with NOTICE, and takes 4096 characters at most.
    NOSTR_RELAY_VENV names another venv.
    """

    def __init__(self, folder: Path, *, members_only: bool = False) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"ws://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        config = {
            "storage": {
                "sqlalchemy.url": f"sqlite+aiosqlite:///{folder}/relay.sqlite3",
                "validators": [
                    "nostr_relay.validators.is_not_too_large",
                    "nostr_relay.validators.is_signed",
                    "nostr_relay.validators.is_recent",
                ],
            },
            "gunicorn": {"bind": f"127.0.0.1:{self.port}", "workers": 1},
            "authentication": {
                "enabled": members_only,
                "relay_urls": [self.url, self.url + "/"],
                "actions": {"query": "rw", "save": "rw"},
            },
        }
        (folder / "config.yaml").write_text(json.dumps(config))

    def start(self) -> None:
        python = nostr_relay_venv() / "bin" / "python"
        with (self.folder / "relay.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(python), "-c", _RUN, "-c", "config.yaml", "serve", "--use-uvicorn"],
                cwd=self.folder,
                env=environment(HOME=str(self.folder)),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + WITHIN
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                self.stop()
                raise RuntimeError(f"nostr-relay did not start:\n{self.log()[-3000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=5)
                return

    def admits(self, pubkey: str) -> None:
        """Whoever proves to have this key may read and write, where it is for members only."""
        program = nostr_relay_venv() / "bin" / "nostr-relay"
        words = ["-c", "config.yaml", "role", "set", "-p", pubkey, "-r", "rw"]
        subprocess.run(
            [str(program), *words],
            cwd=self.folder,
            env=environment(HOME=str(self.folder)),
            check=True,
            capture_output=True,
        )

    def log(self) -> str:
        return (self.folder / "relay.log").read_text(errors="replace")

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True


def nostr_relay_venv() -> Path:
    """Where nostr-relay is installed; says how to install it where it is not."""
    named = os.environ.get("NOSTR_RELAY_VENV")
    venv = Path(named) if named else ROOT / ".cache" / "nostr-relay"
    if not (venv / "bin" / "nostr-relay").exists():
        raise FileNotFoundError(f"no nostr-relay in {venv}; run: make relay2")
    return venv


@contextlib.contextmanager
def nostr_relay(*, members_only: bool = False) -> Iterator[NostrRelay]:
    """A running nostr-relay with a fresh store."""
    with tempfile.TemporaryDirectory(prefix="nostr-relay-") as folder:
        relay = NostrRelay(Path(folder), members_only=members_only)
        relay.start()
        try:
            yield relay
        finally:
            relay.stop()
