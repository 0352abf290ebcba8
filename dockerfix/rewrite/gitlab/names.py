"""Names of jobs as YAML texts. Knows which signs mean something in YAML."""

from __future__ import annotations

from dockerfix.rewrite.yaml_edits import quoted


def key_text(name: str, style: str = "") -> str:
    """A key as YAML; names with a colon and a blank need quotes, `style` keeps those of before."""
    if style or ": " in name or name[:1] in "*&!%@`{}[]#\"'|>-?," or " #" in name:
        return quoted(name, style or '"')
    return name


def plain_name(name: str) -> str:
    """A job's name as a value, in the plain style that people write it in where YAML lets
    them."""
    unsafe = ": " in name or " #" in name or name[:1] in "*&!%@`{}[]#\"'|>-?,:"
    return quoted(name, '"') if unsafe or not name else name


def flow_name(name: str) -> str:
    """The same in a flow list, where more signs mean something."""
    plain = plain_name(name)
    return quoted(name, '"') if any(sign in name for sign in ",[]{}") else plain
