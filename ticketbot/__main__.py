"""`python -m ticketbot` is `ticketbot`."""

from __future__ import annotations

import sys

from ticketbot.cli import main

sys.exit(main())
