"""What a person is told: figures, comments and documents that become false, advice."""
