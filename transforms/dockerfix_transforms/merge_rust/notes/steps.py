"""How a person is told of a step. Knows one instruction."""

from __future__ import annotations

from dockerfix.api import read_cargo
from dockerfix_transforms.merge_rust.group.slots import brief
from dockerfix_transforms.merge_rust.read.steps import Step, commands


def shortened(step: Step) -> str:
    """The cargo command of a step, or its text up to 60 characters."""
    for command in commands(step.script):
        call = read_cargo(command)
        if call is not None:
            return f"cargo {call.verb} {' '.join(call.positional)}".strip()
    return brief(step.item.text, 60)
