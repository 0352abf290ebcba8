"""What the repository means: builds and call sites, stages, contexts, workspaces, pipelines.

Knows what files mean; proposes nothing and changes nothing.
"""
