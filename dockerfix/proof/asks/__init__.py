"""Whether the same images are asked for, by the same call sites."""
