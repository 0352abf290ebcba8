"""Ignore files: that of a smaller context, and one that lets through what a Dockerfile uses."""
