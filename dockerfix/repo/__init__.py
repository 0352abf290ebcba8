"""The disk: find the root, read the snapshot, write atomically.

- `root`: where a repository begins; `settings`: what its settings files say;
- `read`: the snapshot of a disk; `write`: changes to it, all or nothing, and `recover`.

Everything refused is a `RepoError` (`errors`), but for a file of the snapshot that cannot be
read: that is a `SnapshotError`. Import the modules themselves: not every command writes.
"""
