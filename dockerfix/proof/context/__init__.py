"""Whether every stage still gets the same files from its build contexts."""
