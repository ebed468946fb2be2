"""``python -m hwsim`` is the command ``hwsim``."""

from __future__ import annotations

import sys

from hwsim.cli import main

if __name__ == "__main__":
    sys.exit(main())
