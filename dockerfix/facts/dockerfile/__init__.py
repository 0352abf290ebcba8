"""What a Dockerfile means: its stages, what refers to what, variables, the walk of a stage.

Knows BuildKit's rules; knows no build and no pipeline.
"""
