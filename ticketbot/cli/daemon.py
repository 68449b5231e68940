"""`run` and `demo`: the bot itself, for real and for play."""

from __future__ import annotations

from argparse import Namespace

from ticketbot.cli.opening import load_config


def run(args: Namespace) -> int:
    """Serve until SIGTERM."""
    config = load_config(args)
    import structlog

    from ticketbot import log
    from ticketbot.app.serving import serve

    log.configure(secrets=[secret.reveal() for secret in config.secrets()])
    for warning in config.warnings:
        structlog.get_logger().warning("config.warning", says=warning)
    return serve(config)


def demo(args: Namespace) -> int:
    """The demo, which brings a relay and a wallet of its own."""
    from ticketbot import demo

    return demo.main(args)
