"""A real LNbits on loopback: its own process, folder and port, two wallets, no internet.

    with LnbitsServer(folder) as server:
        server.bot.invoice_key, server.pay(bolt11), server.restart(signal.SIGKILL)

LNbits lives in a venv of its own (`make lnbits`), by default `.cache/lnbits` in the
checkout; LNBITS_VENV names another. Standard library only, so that benchmarks
and other suites can use it too.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

_ROOT = Path(__file__).resolve().parents[2]
_PASSWORD = "only-for-tests-1"
_START_SECONDS = 100
_RUN = """\
import os, runpy, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(1)), daemon=True).start()
runpy.run_module("uvicorn", run_name="__main__", alter_sys=True)
"""  # ends when its standard input does: however the tests die, it does not outlive them
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_OFFLINE = {
    "LNBITS_EXTENSIONS_MANIFESTS": "[]",
    "LNBITS_WASM_EXTENSIONS_MANIFESTS": "[]",
    "LNBITS_EXCHANGE_RATE_PROVIDERS": "[]",
    "LNBITS_PRICE_AGGREGATOR_ENABLED": "false",
}


class WalletKeys(NamedTuple):
    """One wallet of the server and its two keys."""

    id: str
    invoice_key: str
    admin_key: str


class LnbitsServer:
    """One LNbits. `settings` are its environment variables; by default its funding source
    is its FakeWallet, where only payments between its own wallets settle.
    """

    bot: WalletKeys
    buyer: WalletKeys

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._settings = {
            "LNBITS_BACKEND_WALLET_CLASS": "FakeWallet",
            "LNBITS_RATE_LIMIT_NO": "1000000",
            **_OFFLINE,
            **(settings or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._token = ""

    def __enter__(self) -> LnbitsServer:
        self.start()
        try:
            self.install()
        except BaseException:
            self.stop(signal.SIGKILL)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Starts the process and waits until it answers."""
        python = lnbits_venv() / "bin" / "python"
        for name in ("data", "ext/extensions", "data/logs", "data/wasm_extensions"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        package = next((lnbits_venv() / "lib").glob("python3*/site-packages/lnbits"))
        with contextlib.suppress(FileExistsError):
            (self.folder / "lnbits").symlink_to(package)  # it serves lnbits/static from here
        options = ["--loop", "uvloop", "--host", "127.0.0.1", "--port", str(self.port)]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(python), "-c", _RUN, "lnbits.__main__:app", *options],
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                self.stop(signal.SIGKILL)
                raise RuntimeError(f"LNbits did not start:\n{self.log()[-3000:]}")
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends the process; SIGKILL if it does not obey within 20 s."""
        if self._process is None:
            return
        process, self._process = self._process, None
        with process:
            for number in (how, signal.SIGKILL):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(20)
                    return

    def restart(self, how: signal.Signals = signal.SIGTERM) -> None:
        self.stop(how)
        self.start()

    def install(self) -> None:
        """The first account and the two wallets, of which the buyer's is rich."""
        login = {"username": "admin", "password": _PASSWORD, "password_repeat": _PASSWORD}
        self._token = self._ok("PUT", "/api/v1/auth/first_install", login)["access_token"]
        self.bot, self.buyer = self.new_wallet("bot"), self.new_wallet("buyer")
        self.fund(self.buyer, 5_000_000)

    def new_wallet(self, name: str) -> WalletKeys:
        made = self._ok("POST", "/api/v1/wallet", {"name": name})
        keys = WalletKeys(made["id"], made["inkey"], made["adminkey"])
        # With a currency, every invoice waits for an exchange rate from the internet.
        self._ok("PATCH", "/api/v1/wallet", {"currency": ""}, keys.admin_key)
        return keys

    def fund(self, wallet: WalletKeys, sats: int) -> None:
        self._ok("PUT", "/users/api/v1/balance", {"id": wallet.id, "amount": sats})

    def pay(self, bolt11: str) -> None:
        """The buyer pays; RuntimeError with LNbits' words if the payment fails."""
        paid = self._ok(
            "POST", "/api/v1/payments", {"out": True, "bolt11": bolt11}, self.buyer.admin_key
        )
        if paid["status"] != "success":
            raise RuntimeError(f"payment {paid['status']}: {paid}")

    def call(
        self, method: str, path: str, body: object = None, key: str | None = None
    ) -> tuple[int, Any]:
        """Status and JSON of one request, with a wallet's key or as the first account."""
        headers = {"Content-Type": "application/json"}
        if key is not None:
            headers["X-Api-Key"] = key
        elif self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with _DIRECT.open(request, timeout=30) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")

    def log(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")

    def _ok(self, method: str, path: str, body: object, key: str | None = None) -> Any:
        status, answer = self.call(method, path, body, key)
        if status not in (200, 201):
            raise RuntimeError(f"{method} {path} answered {status}: {answer}")
        return answer

    def _answers(self) -> bool:
        try:
            self.call("GET", "/api/v1/health")
        except json.JSONDecodeError:
            return True  # not installed yet: every path leads to a web page
        except OSError:
            return False
        return True

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.folder),
            "LNBITS_DATA_FOLDER": str(self.folder / "data"),
            "LNBITS_EXTENSIONS_PATH": str(self.folder / "ext"),
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "AUTH_HTTPS_ONLY": "false",
            **self._settings,
        }


@functools.cache
def shared_server() -> LnbitsServer:
    """One LNbits for all tests of a run that neither restart nor exhaust it."""
    folder = tempfile.TemporaryDirectory(prefix="lnbits-")
    server = LnbitsServer(Path(folder.name))
    atexit.register(folder.cleanup)
    atexit.register(server.stop)
    return server.__enter__()


def funded_by(back: LnbitsServer, wallet: WalletKeys) -> dict[str, str]:
    """Settings of an LNbits in front of `back`: it keeps its invoices over a restart, and
    who pays them with a wallet of `back` pays from outside.
    """
    return {
        "LNBITS_BACKEND_WALLET_CLASS": "LNbitsWallet",
        "LNBITS_ENDPOINT": back.url,
        "LNBITS_KEY": wallet.admin_key,
    }


def lnbits_venv() -> Path:
    """Where LNbits is installed; says how to install it where it is not."""
    venv = Path(os.environ.get("LNBITS_VENV") or _ROOT / ".cache" / "lnbits")
    if not (venv / "bin" / "python").exists():
        raise FileNotFoundError(f"no LNbits in {venv}; run: make lnbits")
    return venv


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
