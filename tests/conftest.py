"""What all tests share: case files are tests, the lab, and pytest's own tester for our plugins."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["dockerfix.testing.plugin", "lab.plugin", "pytester"]

# A loaded machine makes no example wrong.
settings.register_profile(
    "loaded", settings.default, deadline=None, suppress_health_check=(HealthCheck.too_slow,)
)
settings.load_profile("loaded")
