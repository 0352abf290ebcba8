"""JavaScript workspaces: their members, what installs and builds them, what turbo prunes."""
