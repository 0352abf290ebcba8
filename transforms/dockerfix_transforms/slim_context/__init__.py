"""slim-context: the build context shrinks to the package, siblings come as images.

`transform` is the door, `slimming` the order of the work, `shrink` what is done to one
Dockerfile, and `cached` what `--via cache` does.

`read` says what is slimmed: which Dockerfiles, what they take, and whose that is. `sibling` is
what they take from others: the image, who pushes it, and the jobs that need it. `ignore` holds
the ignore files, and what is done where the context stays. `rewrite` edits the Dockerfile; `notes`
is what a person is told.
"""

from dockerfix_transforms.slim_context.transform import SlimContext

__all__ = ["SlimContext"]
