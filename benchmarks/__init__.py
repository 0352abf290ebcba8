"""Speed and memory, measured in one run: `make bench`. Never a part of the tests."""
