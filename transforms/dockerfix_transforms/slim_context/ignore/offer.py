"""What `--via ignore` would do for a Dockerfile whose context stays: the command, and the bytes.

Said only where it does something. Knows the plan of the ignore file; edits nothing.
"""

from __future__ import annotations

from dockerfix.api import BadIgnoreError, Facts, human
from dockerfix_transforms.slim_context.ignore.allow import plan_allow
from dockerfix_transforms.slim_context.ignore.allow_plan import AllowPlan
from dockerfix_transforms.slim_context.read.scope import Built, is_git
from dockerfix_transforms.slim_context.refusal import CannotSlimError


def command(made: Built) -> str:
    """The command that makes the ignore file of one Dockerfile."""
    return f"`dockerfix slim-context {made.path} --via ignore`"


def ignore_offer(facts: Facts, made: Built) -> str:
    """A sentence that offers the ignore file; empty where it would leave out nothing, or cannot
    be written."""
    plan = _planned(facts, made)
    if plan is None:
        return ""
    before, after = human(plan.before.whole.size), human(plan.after.whole.size)
    return f"{command(made)} lets {_served(plan)} take {after} instead of {before}."


def short_offer(facts: Facts, made: Built) -> str:
    """The same in a few words, for the line that says that there is nothing to do."""
    plan = _planned(facts, made)
    return f"`--via ignore` lets {_served(plan)} take less" if plan is not None else ""


def _served(plan: AllowPlan) -> str:
    """The builders that take less by an ignore file."""
    return f"{'BuildKit, kaniko' if plan.narrows is not None else 'kaniko'}, buildah and podman"


def narrows(facts: Facts, made: Built) -> bool:
    """Whether the ignore file would let a COPY of the whole context take less."""
    plan = _planned(facts, made)
    return plan is not None and plan.narrows is not None


def _planned(facts: Facts, made: Built) -> AllowPlan | None:
    if any(map(is_git, made.builds)):
        return None  # such a build reads no ignore file
    try:
        plan = plan_allow(facts, made)
    except (CannotSlimError, BadIgnoreError):
        return None
    return plan if isinstance(plan, AllowPlan) else None
