"""Independent checkers of claims, one module a claim, written from the meaning of Dockerfiles.

A claim's checker is the function `check` of the module that has the claim's name
(`SameRuntime` in `same_runtime`); it is imported when a claim of that kind is checked. Knows
which module holds which checker; never asks a transform.
"""

from __future__ import annotations

import importlib
import re

from dockerfix.facts.repository import Facts
from dockerfix.proof.claims import Claim, Verdict

__all__ = ["check"]

_SUBJECTS = {
    "same_runtime": "image",
    "same_compiler_input": "cargo",
    "artefact_produced": "cargo",
    "same_files": "context",
    "same_images_asked_for": "asks",
    "no_dangling_reference": "references",
    "pipeline_valid": "pipeline",
}


def check(claim: Claim, before: Facts, after: Facts) -> Verdict:
    """The verdict on one claim about the facts before and after.

    A file that cannot be read is a failure of the claim, with its place, and never an error.
    """
    from dockerfix.facts.cargo import ManifestError
    from dockerfix.syntax.yaml.tree import YamlError
    from dockerfix.text import SnapshotError

    name = re.sub(r"(?<!^)(?=[A-Z])", "_", type(claim).__name__).lower()
    module = importlib.import_module(f"dockerfix.proof.{_SUBJECTS[name]}.{name}")
    try:
        verdict = module.check(claim, before, after)
    except (SnapshotError, YamlError, ManifestError) as error:
        return Verdict(f"{name.replace('_', ' ')} holds", (), (str(error),))
    assert isinstance(verdict, Verdict)  # the module's contract
    return verdict
