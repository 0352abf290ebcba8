"""All checks, in the order in which they are told."""

from __future__ import annotations

from dockerfix.checks import (
    absent_need,
    cache_source,
    cache_writers,
    cook,
    ignore_file,
    late_image,
    pushed_twice,
    rejected,
)
from dockerfix.checks.check import Check

CHECKS: tuple[Check, ...] = (
    rejected.CHECK,
    absent_need.CHECK,
    late_image.CHECK,
    pushed_twice.CHECK,
    cache_writers.CHECK,
    cache_source.CHECK,
    ignore_file.CHECK,
    cook.CHECK,
)
