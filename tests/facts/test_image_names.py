"""Whether two names of images can be one image, in the jobs of one pipeline."""

from __future__ import annotations

import pytest

from dockerfix.facts.gitlab.image_names import image_name, may_be_same, valued

SLUG = "${CI_COMMIT_REF_SLUG}"
OURS = "${CI_REGISTRY_IMAGE}"


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("app", "app:latest", True),
        ("app", "app:1", False),
        ("a/app:1", "b/app:1", True),
        ("app@sha256:0", "app:1", True),
        ("rust:1.90", "rust-tools:1.90", False),
        (f"app:{SLUG}", f"app:{SLUG}", True),
        (f"app:{SLUG}-release", f"app:{SLUG}-development", False),
        (f"app:{SLUG}", f"app:{SLUG}-release", False),
        # A branch may be called release.
        (f"app:{SLUG}", "app:release", True),
        # A project's variable may hold another value in each job's environment.
        ("app:${TAG}-release", "app:${TAG}-development", True),
        ("app:${CI_JOB_NAME_SLUG}", "app:${CI_JOB_NAME_SLUG}", True),
        (f"{OURS}/app:1", f"{OURS}/web:1", False),
        (f"{OURS}:1", f"{OURS}/app:1", False),
        (f"{OURS}/app:1", "registry.example.com/group/app:1", True),
        (f"{OURS}:1", "registry.example.com/group/app:1", True),
        ("${HOST:+${HOST}/}app:1", "registry.example.com/app:1", True),
        ("registry.example.com:5000/app", "app:latest", True),
    ],
)
def test_may_be_same(first: str, second: str, expected: bool) -> None:
    assert may_be_same(image_name(first), image_name(second)) is expected
    assert may_be_same(image_name(second), image_name(first)) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("app:${TARGET:-development}", ("app:release",)),
        ("app:$OTHER-x", ("app:${OTHER}-x",)),
        ("app:${OTHER:-1}", ("app:${OTHER:-1}",)),
        ("app:$KIND", ("app:a", "app:b")),
        ("plain", ("plain",)),
        # The registry is set in every job; outside of CI it is not.
        (
            "${CI_REGISTRY_IMAGE:+$CI_REGISTRY_IMAGE/}app:${CI_COMMIT_REF_SLUG:-latest}",
            (f"{OURS}/app:{SLUG}",),
        ),
    ],
)
def test_valued(text: str, expected: tuple[str, ...]) -> None:
    assert valued(text, {"TARGET": ("release",), "KIND": ("a", "b")}) == expected
