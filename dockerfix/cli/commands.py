"""The built-in commands: their names, and where each stands.

Adding a command is a line in this table and a module with a click command. Imports none of them.
"""

from __future__ import annotations

COMMANDS = {
    "builds": (
        "dockerfix.cli.builds:builds",
        "Every image build that was found, and where it is asked for.",
    ),
    "check": ("dockerfix.cli.check:check", "What could be done here, and what stands in the way."),
    "completion": (
        "dockerfix.cli.completion:completion",
        "The script that teaches a shell to complete dockerfix.",
    ),
    "context": ("dockerfix.cli.context:context", "What a build context costs, without building."),
    "estimate": (
        "dockerfix.cli.estimate:estimate",
        "How long the pipeline takes now, and after each patch.",
    ),
    "explain": ("dockerfix.cli.explain:explain", "What a transform does, or what a finding means."),
    "graph": (
        "dockerfix.cli.graph:graph",
        "The stages of a Dockerfile, or the jobs, as a picture.",
    ),
    "init": ("dockerfix.cli.init:init", "Write a settings file with every option as an example."),
    "metrics": (
        "dockerfix.cli.metrics:metrics",
        "Where the time of CI jobs went, from their traces.",
    ),
    "mr": ("dockerfix.cli.mr:mr", "All transforms as one GitLab merge request."),
    "plan": ("dockerfix.cli.plan:plan", "All transforms as a series of commits."),
    "schema": ("dockerfix.cli.schema:schema", "The JSON Schema of the settings, or of reports."),
    "verify": (
        "dockerfix.cli.verify:verify",
        "Build before and after a patch, and compare the images.",
    ),
}
"""Name, where the click command stands, and one line for the help."""
