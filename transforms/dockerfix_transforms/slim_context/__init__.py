"""slim-context: the build context shrinks to the package, siblings come as images.

`transform` is the door, `slimming` the order of the work, `shrink` what is done to one
Dockerfile and `keep` what is done where its context stays.

What is slimmed: `scope` (which Dockerfiles, with which context), `owner` and `packages` (whose
a path is), `sources` and `consumer` (what the Dockerfile takes), `inline`, `steps` and `landing`
(where it builds siblings). What siblings become: `provider` and `publication` (the image, and
who pushes it), `origin` and `origins`. What is written: `rewrite`, `ignore`, `allow`,
`documents`, `pipeline` and `workflow`. What is said: `refusal`, `safety`, `differences`,
`figures`; `part` and `permits` are what comes of it.
"""

from dockerfix_transforms.slim_context.transform import SlimContext

__all__ = ["SlimContext"]
