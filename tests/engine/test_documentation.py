"""A transform's docstring is cut into its fixed sections."""

from __future__ import annotations

from dockerfix.engine.documentation import SECTIONS, read_documentation

DOCSTRING = """Merge things.

    More of the summary.

    What it does
        It merges.

    Why
        Because.

        Twice.

    Before
        -- Dockerfile --
        FROM a
          # indented

    After:
    -- Dockerfile --
    FROM b

    Safety
    """


def test_sections_lose_their_indentation_and_keep_their_blank_lines() -> None:
    found = read_documentation(DOCSTRING)
    assert found.summary == "Merge things.\n\nMore of the summary."
    assert found.sections["Why"] == "Because.\n\nTwice."
    assert found.sections["Before"] == "-- Dockerfile --\nFROM a\n  # indented"
    assert found.sections["After"] == "-- Dockerfile --\nFROM b"


def test_empty_and_absent_sections_are_missing() -> None:
    assert read_documentation(DOCSTRING).missing == ("Safety", "Call sites")
    assert read_documentation("").missing == SECTIONS
