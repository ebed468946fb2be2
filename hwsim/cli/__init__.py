"""The command line: ``main(argv)`` gives the exit status.

This package joins the parts: it alone imports the mappers and the RTL, each command only what it needs.
"""

from __future__ import annotations

from hwsim.cli.entry import main

__all__ = ["main"]
