"""Whether a pipeline means the same but for the listed differences."""
