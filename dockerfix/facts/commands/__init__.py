"""Commands of build tools, word for word: which tool it is, and what it is asked for."""
