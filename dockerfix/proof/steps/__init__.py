"""What the instructions of an image are and do, one by one: read here, and compared nowhere."""
