"""The files of deployment tools as nodes: YAML, JSON with or without comments, and TOML.

Knows how these files are written; what their keys mean stands in `deployments`.
"""

from __future__ import annotations

import re

from dockerfix.syntax.yaml.tree import Entry, Mapping, Node, Scalar, YamlFile, parse_yaml
from dockerfix.text import Source, Span

_COMMENT = re.compile(rb'"(?:\\.|[^"\\\n])*"|(//[^\n]*|/\*.*?\*/)', re.DOTALL)
"""Strings, so that nothing in them is taken for a comment, and comments in group 1."""


def parse_deployment(source: Source) -> YamlFile:
    """The nodes of a file; raises `YamlError` for what its language cannot read."""
    if source.path.endswith(".toml"):
        return _toml(source)
    if source.path.endswith(("devcontainer.json", "tasks.json")):
        blanked = _COMMENT.sub(
            lambda m: m[0] if m[1] is None else re.sub(rb"[^\n]", b" ", m[0]), source.data
        )
        return parse_yaml(Source(source.path, blanked))
    return parse_yaml(source)


def _toml(source: Source) -> YamlFile:
    """TOML as nodes: a text stands in the line of its key, a table is the whole file."""
    import tomllib  # only where such a file is: start-up time is judged

    file = YamlFile(source)
    try:
        read = tomllib.loads(source.data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        return file
    file.documents = (_node(file, "", read),)
    return file


def _node(file: YamlFile, key: str, value: object) -> Node:
    if isinstance(value, dict):
        entries = tuple(
            Entry(_scalar(file, name, name), _node(file, name, inner), aliased=False)
            for name, inner in value.items()
        )
        return Mapping(file, entries, Span(0, len(file.source.data)), flow=False, tag="")
    return _scalar(file, key, value if isinstance(value, str) else "")


def _scalar(file: YamlFile, key: str, text: str) -> Scalar:
    data = file.source.data
    line = re.search(rb"^[ \t]*\"?" + re.escape(key.encode()) + rb"\"?[ \t]*=[^\n]*", data, re.M)
    return Scalar(file, text, "", Span(*line.span()) if line is not None else Span(0, 0), "")
