"""Tests of the renderers, with the shape of SARIF."""
