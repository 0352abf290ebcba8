"""A sibling of the package: the image that is built of it, and the pipeline that must have it."""
