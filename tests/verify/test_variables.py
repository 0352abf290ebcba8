from __future__ import annotations

import pytest

from dockerfix.verify.variables import Variables, stand_in


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        ("plain", {}, "plain"),
        ("${TARGET:-development}", {}, "development"),
        ("${TARGET:-development}", {"TARGET": "release"}, "release"),
        ("${TARGET:-development}", {"TARGET": ""}, "development"),
        ("${TARGET-development}", {"TARGET": ""}, ""),
        ("${R:+${R}/}server:${T:-dev}", {}, "server:dev"),
        ("${R:+${R}/}server:${T:-dev}", {"R": "host"}, "host/server:dev"),
        ("${A:-${B:-c}}-${D:-}", {}, "c-"),
        ("server-${T:-a}-${T:-b}", {"T": "x"}, "server-x-x"),
    ],
)
def test_expansions_of_shell_and_compose(text: str, given: dict[str, str], expected: str) -> None:
    filled = Variables(given).fill(text)
    assert filled.text == expected
    assert not filled.stood_in and not filled.hidden


def test_a_variable_without_a_value_gets_a_stand_in_and_is_named() -> None:
    filled = Variables().fill("${CI_REGISTRY_IMAGE}/server:${CI_COMMIT_REF_SLUG}")
    assert filled.text == "ci-registry-image/server:ci-commit-ref-slug"
    assert filled.stood_in == ("CI_REGISTRY_IMAGE", "CI_COMMIT_REF_SLUG")


def test_what_a_command_prints_is_hidden_and_not_a_variable() -> None:
    filled = Variables().fill("${OPAQUE}-${1}")
    assert filled.hidden == ("OPAQUE", "1")
    assert not filled.stood_in


def test_a_stand_in_is_valid_in_a_tag() -> None:
    assert stand_in("_CI_X_") == "ci-x"
    assert stand_in("@") == "x"


def test_an_open_brace_does_not_hang() -> None:
    assert Variables().fill("a${B").text == "ab"
