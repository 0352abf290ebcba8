"""Grouping: which files one builder can serve, and what keeps the others apart."""
