"""What a person is told about a merge: differences, gains, what to look at."""
