"""`tell` and `refund`: the running bot is asked, for it alone writes the ledger."""

from __future__ import annotations

import http.client
import socket
import sys
from argparse import Namespace
from pathlib import Path

from ticketbot.cli.opening import load_config, open_house
from ticketbot.cli.orders import find_order, refunds_of_order, show_refunds
from ticketbot.cli.output import show
from ticketbot.config import Config
from ticketbot.errors import Broken

LONGEST_LINE = 4096
ANSWER_WITHIN = 30.0
NOT_RUNNING = "the bot is not running, and only it can do that: start it with `ticketbot run`"


def tell(args: Namespace) -> int:
    """Any command of operators, answered as by DM."""
    line = " ".join(args.words)
    show(ask(load_config(args), _typed(line)))
    return 0


def refund(args: Namespace) -> int:
    """What is owed for one order, or what shall become of it."""
    house = open_house(args)
    order = house.look(lambda tx: find_order(tx, args.order))
    if args.sent:
        show(ask(house.config, f"refund {order.id} sent"))
    elif args.to is not None:
        show(ask(house.config, f"refund {order.id} to {_typed(args.to)}"))
    else:
        show_refunds(args, house.look(lambda tx: refunds_of_order(tx, order.id)))
    return 0


def ask(config: Config, line: str) -> str:
    """The running bot's answer; Broken when it refuses, or does not run."""
    door = config.ledger.socket
    if door is None:
        raise Broken(
            f"the bot cannot be reached beside {config.ledger.path}: that path is longer than a "
            "Unix socket's may be. Write to the bot by DM, or keep the ledger in a shorter folder"
        )
    link = _Link(door)
    try:
        link.request("POST", "/", line.encode(), {"Content-Type": "text/plain; charset=utf-8"})
        answer = link.getresponse()
        text = answer.read().decode()
    except (FileNotFoundError, ConnectionRefusedError):
        raise Broken(NOT_RUNNING) from None
    except TimeoutError:
        raise Broken(
            "the bot took the command and did not answer: look what became of it"
        ) from None
    except (http.client.HTTPException, ConnectionError):
        raise Broken("the bot stopped before it answered: look what became of it") from None
    finally:
        link.close()
    if answer.status == 500:
        raise Broken("the bot failed at that, and its log says why: please report it")
    if answer.status != 200:
        raise Broken(" ".join(text.split()))
    return text


class _Link(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("ticketbot", timeout=ANSWER_WITHIN)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(str(self._path))
        except OSError as error:
            error.filename = str(self._path)
            raise


def _typed(text: str) -> str:
    """`-` reads a line: what stands in an argument list is seen by everybody on the machine."""
    return sys.stdin.readline(LONGEST_LINE).strip() if text == "-" else text
