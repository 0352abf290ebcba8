"""The transform `registry-mirror`: base images come through a pull-through registry."""

from dockerfix_transforms.gitlab.registry_mirror.transform import RegistryMirror

__all__ = ["RegistryMirror"]
