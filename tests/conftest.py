"""What all tests share: case files are tests, the lab, and pytest's own tester for our plugins."""

pytest_plugins = ["dockerfix.testing.plugin", "lab.plugin", "pytester"]
