"""Whether Go's programs are compiled from the same input, and what go may do beside them."""
