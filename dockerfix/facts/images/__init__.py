"""Images by name: which build makes one, who pushes it, and which jobs use it."""
