"""Trees of files in memory, and what ignore files and patterns leave of them.

From the bottom up: `globs` and `ignore` match paths, `tree` is a file system in memory, `sources`
makes it from the snapshot and filters it, `layer` writes to it, `asked` says which paths BuildKit
asks its client for. `idle` and `projection` change ignore files without changing what they mean.
"""
