"""What Go is told and reads: its commands, its modules, and the files of a package."""
