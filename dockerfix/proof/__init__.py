"""Independent checkers of claims, one module a claim, written from the meaning of Dockerfiles."""
