"""The Docker Engine: builds before and after, compares images. The Docker SDK lives here."""
