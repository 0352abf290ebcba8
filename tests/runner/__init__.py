"""A CI runner for tests: the jobs of a GitLab pipeline, run with a recording `docker` in front."""
