"""Edits of call sites: asked for in the words of builds, answered in spans of bytes."""
