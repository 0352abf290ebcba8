"""GitLab over HTTP: the branch, the merge request and the note of a series.

The only room that knows a network and a token. It needs python-gitlab (`dockerfix[gitlab]`),
imported when something is published. Knows commits as data; knows no transform.
"""
