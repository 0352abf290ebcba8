"""The transform `add-needs`: jobs that only read start as soon as their inputs exist."""

from dockerfix_transforms.gitlab.add_needs.transform import AddNeeds

__all__ = ["AddNeeds"]
