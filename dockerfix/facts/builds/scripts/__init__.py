"""Following scripts: statement after statement, into functions, scripts and recipes."""
