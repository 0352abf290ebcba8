"""Whether cargo gets the same input, and makes every artefact that is copied."""
