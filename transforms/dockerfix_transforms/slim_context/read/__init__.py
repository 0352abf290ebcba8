"""What a Dockerfile takes from its context, and what must hold to make it smaller."""
