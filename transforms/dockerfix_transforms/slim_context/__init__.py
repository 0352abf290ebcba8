"""slim-context: the build context shrinks to the package, siblings come as images.

Read in this order: `consumer` (what is slimmed; `packages` says who owns a path), `inline` (where
siblings are built in it; `steps` and `landing` say what its instructions do), `provider` (the
image that replaces that) and `publication` (who pushes it), `origin`, `rewrite` and `ignore` (the
new files), `pipeline` and `workflow` (the image is there in time), `safety` (what must hold
elsewhere), `differences` (what is said), `transform` (all of it).
"""

from dockerfix_transforms.slim_context.transform import SlimContext

__all__ = ["SlimContext"]
