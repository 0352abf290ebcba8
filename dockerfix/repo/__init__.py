"""The disk: find the root, read the snapshot, write atomically."""
