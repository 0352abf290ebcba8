"""The two trees of a verification. Knows their names."""

from __future__ import annotations

import enum


class Side(enum.Enum):
    """Which tree: as it is, or with the patch applied; `value` is how a person names it."""

    BEFORE = "before"
    AFTER = "after"
