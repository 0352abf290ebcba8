"""Which files are read for builds, by their names and by what their bytes name."""
