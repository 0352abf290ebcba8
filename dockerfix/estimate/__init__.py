"""When a pipeline's jobs run: the graph of its jobs, their times, and the longest path.

Knows GitLab's order of jobs and times that were measured; reads no file and runs nothing.
"""
