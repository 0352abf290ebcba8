"""Everything that builds or names the old files: rewritten where it can be, else left."""
