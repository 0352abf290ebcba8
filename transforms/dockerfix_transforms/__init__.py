"""The transforms that come with dockerfix, one a module, found through entry points."""
