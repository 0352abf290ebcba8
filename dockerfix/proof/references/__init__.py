"""Whether anything still names what a patch removes."""
