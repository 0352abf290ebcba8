"""Transforms of a GitLab pipeline itself, one a module. Each uses `dockerfix.api` alone."""
