"""What all tests share: case files are tests, and pytest's own tester for our plugin."""

pytest_plugins = ["dockerfix.testing.plugin", "pytester"]
