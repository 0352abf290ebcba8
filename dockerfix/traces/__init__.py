"""What pipelines leave behind when they run: the traces of jobs, and GitLab's list of jobs.

Reads bytes that it is given, in pieces, so that a log of any size needs little memory. Knows
what runners and builders print; knows no repository, no disk and no network.
"""
