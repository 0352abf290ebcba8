"""Names that dockerfix gives meaning to at the root of a repository."""

from __future__ import annotations

from typing import Final

SETTINGS_NAME: Final = ".dockerfix.toml"
JOURNAL_NAME: Final = ".dockerfix-journal"
"""The folder of `dockerfix.repo.journal` in a root without a `.git` folder."""
