"""slim-context: the build context shrinks to the package, siblings come as images.

Read in this order: `consumer` (what is slimmed), `inline` (where siblings are built in it),
`provider` (whose image replaces that), `rewrite` and `ignore` (the new files), `pipeline`
(the image is there in time), `transform` (all of it).
"""

from dockerfix_transforms.slim_context.transform import SlimContext

__all__ = ["SlimContext"]
