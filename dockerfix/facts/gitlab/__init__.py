"""The GitLab pipeline of a repository: jobs, rules, needs, and for which pipelines a job exists.

Knows what GitLab documents about its YAML; edits nothing.
"""
