"""merge-rust: the Dockerfiles of a cargo workspace become one, with a target per binary.

Read in this order: `scope` (which files), `read` (what one file says), `group` (which files
share a builder), `write` (the merged file), `callers` and `jobs` (who builds it), `notes` (what a
person is told), `merge` (all of it). `language` says what of it depends on the language of the
programs, and `rust` answers.
"""

from dockerfix_transforms.merge_rust.transform import MergeRust

__all__ = ["MergeRust"]
