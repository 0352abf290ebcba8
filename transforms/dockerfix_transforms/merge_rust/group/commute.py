"""Which steps of a chain may trade places, and which depend on the folder that they run in.

Knows two steps at a time.
"""

from __future__ import annotations

from dockerfix.api import IsFolder, apart, only_prints
from dockerfix_transforms.merge_rust.read.compiler import environment
from dockerfix_transforms.merge_rust.read.steps import Role, Step

_METADATA = frozenset({"LABEL", "EXPOSE", "HEALTHCHECK", "CMD", "ENTRYPOINT", "STOPSIGNAL"})


def commute(first: Step, second: Step, is_folder: IsFolder) -> bool:
    """Whether `second` may come before `first`, which it follows in its file.

    Not symmetric: packages may be installed earlier than they were, never later.
    """
    one, other = first.item, second.item
    if only_prints(one) or only_prints(other):
        return True
    if first.copy is not None and second.copy is not None:
        return apart(first.copy, second.copy, is_folder)
    if {one.keyword, other.keyword} & _METADATA:
        return one.keyword != other.keyword
    if one.keyword == "WORKDIR" or other.keyword == "WORKDIR":
        return one.keyword != other.keyword  # the check of folders sees to the rest
    if one.keyword in ("ARG", "ENV") or other.keyword in ("ARG", "ENV"):
        return _variable_apart(first, second) and _variable_apart(second, first)
    if second.role is Role.PACKAGES:
        return first.copy is None or _beside_system(first)
    tool = Role.CHEF in (first.role, second.role) or first.role is Role.PACKAGES
    return (
        tool
        and (first.copy is not None or second.copy is not None)
        and all(step.copy is None or _beside_system(step) for step in (first, second))
    )


_SYSTEM = ("/", "/usr", "/etc", "/bin", "/lib", "/opt", "/var", "/root")


def _beside_system(step: Step) -> bool:
    """Whether a COPY brings nothing to where packages and tools are installed."""
    target = step.copy.target if step.copy is not None else "/"
    if target.startswith(("/usr/src/", "/usr/local/")):
        return True
    return target.startswith("/") and not any(
        target == folder or (folder != "/" and target.startswith(f"{folder}/"))
        for folder in _SYSTEM
    )


def _variable_apart(setting: Step, other: Step) -> bool:
    """Whether another step does not see the variables that an ARG or ENV sets. What a program
    reads of its environment is not written anywhere, so that an ENV keeps its place among
    RUNs."""
    names = [name for name, _ in environment(setting.item)]
    if not names:
        return True
    if other.item.keyword == "RUN" and other.role not in (Role.PACKAGES, Role.CHEF):
        return False
    return not any(name in other.item.text for name in names)


def needs_folder(step: Step) -> bool:
    """Whether what a step does depends on the folder that it runs in."""
    item = step.item
    if step.copy is not None:
        return not item.words[-1].value.startswith("/")
    if item.keyword == "WORKDIR":
        return bool(item.words) and not item.words[0].value.startswith("/")
    aside = step.role in (Role.PACKAGES, Role.CHEF) or only_prints(item)
    return item.keyword == "RUN" and not aside
