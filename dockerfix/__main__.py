"""`python -m dockerfix`, which is what the command `dockerfix` runs."""

from __future__ import annotations

import sys

from dockerfix.cli import main

sys.exit(main())
