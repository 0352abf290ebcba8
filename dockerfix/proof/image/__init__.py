"""Whether an image is the same: the chain of instructions behind a target."""
