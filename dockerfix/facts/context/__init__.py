"""The build context: what COPY and ADD take of it, and what is sent.

`script` reads a Dockerfile's stages into `steps`, `stage_run` carries the steps out on the trees
of `facts/trees`, and `copying` is one build of them all. On these stand `transfer` (what is sent
and what it weighs), `dormant` (ignore files that nothing reads) and `explored` (which build a path
means).
"""
