"""Rewriting one build command of a script, and the calls that lead to it."""
