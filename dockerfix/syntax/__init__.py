"""The languages that builds are written in: a tree of each, with the way back to the bytes."""
