"""`python -m dockerfix`, which is what the command `dockerfix` runs."""

from __future__ import annotations

from dockerfix.cli import main

main()
