"""Builds that Python programs ask for, read with libcst."""
