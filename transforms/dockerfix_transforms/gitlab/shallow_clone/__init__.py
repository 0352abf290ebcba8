"""The transform `shallow-clone`: one commit is enough for most jobs."""

from dockerfix_transforms.gitlab.shallow_clone.transform import ShallowClone

__all__ = ["ShallowClone"]
