"""build-once: a Dockerfile that is built once for each value of an argument compiles once for all.

Read in this order: `reading` (what the file does with the argument), `values` (what call sites
give to it, and where that pays), `writing` (the edits), `transform` (all of it).
"""

from dockerfix_transforms.build_once.transform import BuildOnce

__all__ = ["BuildOnce"]
