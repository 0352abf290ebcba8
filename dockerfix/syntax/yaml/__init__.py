"""YAML with positions: the tree that `yaml.compose()` marks, its values, and edits of its text."""
