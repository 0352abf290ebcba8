"""Rewriting GitLab jobs: several become one, needs and rules follow."""
