"""merge-go: the Dockerfiles of a Go module become one, with a target per program.

Read in this order: `modules` and `scope` (which files), `steps` and `read` (what one file says),
`group` (which files share a builder, or the modules), `layout` (the merged file), `language`
(all of it, as answers to what a merge asks). Everything around the merged file, from call sites to
jobs, is that of merge-rust.
"""

from dockerfix_transforms.merge_go.transform import MergeGo

__all__ = ["MergeGo"]
