"""The build context: what an ignore file leaves of it, what COPY and ADD take, what is sent.

From the bottom up: `globs` and `ignore` match paths, `tree` is a file system in memory,
`sources` makes it from the snapshot and filters it, `layer` writes to it. `script` reads a
Dockerfile's stages into `steps`, `follow` says what they ask for, `stage_run` carries the steps
out, and `copying` is one build of them all. On these stand
`transfer` (what is sent and what it weighs), `idle`, `dormant` and `projection` (ignore files),
`makers` and `explored` (which build makes an image, which build a path means).
"""
