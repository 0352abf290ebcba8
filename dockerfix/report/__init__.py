"""Pure renderers of an outcome: summary, JSON, SARIF, Code Quality, Markdown."""
