"""Writing: the merged file and its shared lines, as slices of the inputs."""
