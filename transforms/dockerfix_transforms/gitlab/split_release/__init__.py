"""The transform `split-release`: one job for each image of a job that builds several."""

from dockerfix_transforms.gitlab.split_release.transform import SplitRelease

__all__ = ["SplitRelease"]
