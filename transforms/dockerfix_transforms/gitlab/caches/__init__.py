"""Build caches of a pipeline: who writes them, who reads them, and by which names."""
