"""GitHub workflows and actions: their steps, matrices and expressions."""
