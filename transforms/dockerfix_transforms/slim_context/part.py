"""What one Dockerfile comes to, before it is known whether the patch can hold it.

Data alone: a file that must be left takes its part with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from dockerfix.api import Build, Change, Draft, Finding, StepDown
from dockerfix_transforms.slim_context.read.consumer import Consumer
from dockerfix_transforms.slim_context.sibling.publication import Publication


class Wishes(Struct, frozen=True):
    """What the person asked for."""

    via: str
    provider_builds: bool
    accept: frozenset[str]
    without: Mapping[str, StepDown]


class Idle(Struct, frozen=True):
    """A Dockerfile for which there is nothing to do: why, what stands in the way, and what a
    person may ask for instead."""

    reason: str
    notes: tuple[Finding, ...] = ()
    offers: tuple[str, ...] = ()


@dataclass(slots=True)
class Part(Draft):
    """The draft of one Dockerfile: its call sites' changes, the builds that read a published
    image, the files whose absence was accepted, the steps that each provider gets, the rules of
    the smaller context's ignore file.

    `unread` says of siblings whose steps run here why no image of theirs is taken. `idle` is
    what it comes to when a call site stands in the way, where no more than the look
    of the context is gained.
    """

    path: str = ""
    consumer: Consumer | None = None
    changes: list[Change] = field(default_factory=list)
    reads: list[tuple[Build, Publication]] = field(default_factory=list)
    lacking: set[str] = field(default_factory=set)
    unread: list[Finding] = field(default_factory=list)
    added: dict[str, list[str]] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    idle: Idle | None = None
