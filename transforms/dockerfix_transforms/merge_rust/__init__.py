"""merge-rust: the Dockerfiles of a cargo workspace become one, with a target per binary.

Read in this order: `scope` (which files), `inputs` and `steps` (what one file says),
`compiler` and `groups` (which files share a builder), `widen` and `layout` (the merged file),
`sites` and `jobs` (who builds it), `notes` (what a person is told), `transform` (all of it).
"""

from dockerfix_transforms.merge_rust.transform import MergeRust

__all__ = ["MergeRust"]
