"""The engine: registry of transforms, plan, gate, patch. Pure: it never touches the disk."""
