"""Reading: what one Dockerfile of a workspace says, and what its compiler gets."""
