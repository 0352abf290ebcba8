"""What a call of merge-rust is about: the workspace, its Dockerfiles, the merged file's place."""
