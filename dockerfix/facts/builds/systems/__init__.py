"""Files of CI systems, task runners and deployment tools, each read in its own words."""
