"""What a shell makes of its words: variables, braces, folders, and what holds after branches."""
