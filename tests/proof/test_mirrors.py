"""A builder that gets mirrors, and everything that only looks like it."""

from __future__ import annotations

import pytest

from dockerfix.facts.repository import Facts
from dockerfix.proof import check
from dockerfix.proof.obligation import Permit, Verdict
from dockerfix.proof.pipeline.mirrors import mirror_fault
from dockerfix.proof.pipeline.pipeline_change import PipelineChange
from dockerfix.text import Snapshot

CI = ".gitlab-ci.yml"
CREATE = "docker buildx create --use"
GIVEN = "docker buildx create --buildkitd-config /tmp/b.toml --use"
TOML = """\
[registry."docker.io"]
  mirrors = ["hub.ci.svc:5000"]
[registry."hub.ci.svc:5000"]
  http = true
"""


def file(body: str = TOML, path: str = "/tmp/b.toml") -> str:
    return f"tee {path} <<'EOF'\n{body}EOF\n"


@pytest.mark.parametrize("path", ["/tmp/b.toml", "/tmp/ci/b.toml"])
@pytest.mark.parametrize("option", ["--buildkitd-config", "--config"])
def test_a_file_of_mirrors_for_a_builder(path: str, option: str) -> None:
    given = f"docker buildx create {option} {path} --use"
    assert mirror_fault(["a", CREATE, "b"], ["a", file(path=path), given, "b"], ()) == ""


def test_a_builder_inside_of_a_longer_item() -> None:
    old = f"docker context create tls\n{CREATE} tls\n"
    assert mirror_fault([old], [file(), old.replace(CREATE, GIVEN)], ()) == ""


def test_a_file_that_is_written_within_the_item_above_its_builder() -> None:
    old = f"docker context create tls\n{CREATE} tls\n"
    given = old.replace(CREATE, f"{file()}{GIVEN}")
    assert mirror_fault([old], [given], ()) == ""
    assert mirror_fault([old], [given.replace("tee", "# Mirrors.\ntee")], ()) == ""
    broken = given.replace(" --buildkitd-config", " \\\n  --buildkitd-config")
    assert mirror_fault([old], [broken], ()) == ""


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (f"a\n{CREATE}\n", f"a\n{GIVEN}\n{file()}", "written above it"),
        (f"a\n{CREATE}\n", f"a\nif b; then\n{file()}fi\n{GIVEN}\n", "written above it"),
        (f"a\n{CREATE}\n", f"cat <<X\n{file()}X\na\n{GIVEN}\n", "written above it"),
        (f"a\n{CREATE}\n", f"# b\n{file()}{GIVEN}\n", "written above it"),
        (f"a\n{CREATE}\n", f"a\n{file()}{CREATE}\n", "written above it"),
        (f"a\n{CREATE}\n", f"a\n{file()}b\n{GIVEN}\n", "written above it"),
        (f"a\n{CREATE}\n", "a\n" + file(TOML + "insecure = true\n") + GIVEN, "more than mirrors"),
        (f"a /tmp/b.toml\n{CREATE}\n", f"a /tmp/b.toml\n{file()}{GIVEN}\n", "of its own"),
    ],
)
def test_what_only_looks_like_a_file_within_the_item(old: str, new: str, what: str) -> None:
    assert what in mirror_fault([old], [new], ())


@pytest.mark.parametrize(
    ("new", "what"),
    [
        ([file()], "is gone"),
        ([GIVEN], "written above it"),
        ([GIVEN, file()], "written above it"),
        ([file(), GIVEN.replace("--use", "")], "written above it"),
        ([file(), GIVEN, "rm -rf /cache"], "written above it"),
        ([file(), f"{GIVEN} && curl example.org"], "written above it"),
        ([file(path="/etc/passwd"), CREATE], "written above it"),
        ([file(path="/tmp/../etc/passwd"), CREATE], "written above it"),
        ([file(path="/tmp/$X"), CREATE], "written above it"),
        ([file() + "curl example.org\n", GIVEN], "written above it"),
        ([file("EOF\ncurl example.org\n"), GIVEN], "more than registries"),
        (["echo /tmp/b.toml", CREATE], "written above it"),
        ([file("[registry\n"), GIVEN], "no TOML"),
        ([file("[worker.oci]\nenabled = false\n"), GIVEN], "more than registries"),
        ([file(TOML + "insecure = true\n"), GIVEN], "more than mirrors for hub.ci.svc:5000"),
        ([file('[registry."docker.io"]\nhttp = true\n'), GIVEN], "more than mirrors"),
        ([file(TOML.replace("mirrors =", "insecure = true\nmirrors =")), GIVEN], "more than"),
        ([file(TOML.replace("docker.io", "quay.io")), GIVEN], "pushes to quay.io"),
        ([file(TOML.replace("hub.ci.svc:5000", "quay.io")), GIVEN], "quay.io is no mirror"),
    ],
)
def test_what_is_more_than_a_mirror(new: list[str], what: str) -> None:
    assert what in mirror_fault([CREATE], new, ("quay.io",))


def test_a_file_that_the_script_has_is_not_overwritten() -> None:
    fetched = "wget -O /tmp/b.toml https://example.org/b.toml"
    assert "of its own" in mirror_fault([fetched, CREATE], [fetched, file(), GIVEN], ())


BEFORE = f"""\
before_script:
  - {CREATE}
build:
  script:
    - docker buildx build --push --tag $CI_REGISTRY_IMAGE:1 .
other:
  before_script: []
  script: [make]
"""
AFTER = BEFORE.replace(
    f"  - {CREATE}\n",
    "  - |\n" + "".join(f"    {x}\n" for x in file().split("\n")) + f"  - {GIVEN}\n",
)


def verdict(after: str, permits: list[Permit]) -> Verdict:
    sides = (Facts(Snapshot.of({CI: text, "Dockerfile": "FROM a"})) for text in (BEFORE, after))
    return check(PipelineChange(CI, tuple(permits)), *sides)


def leave(*subjects: str) -> list[Permit]:
    return [Permit("registry-mirror", subject, CI, "before_script") for subject in subjects]


def test_it_needs_leave_for_the_shared_script_and_for_each_job() -> None:
    assert verdict(AFTER, leave("", "build")).holds
    for subjects in ((), ("",), ("build",), ("build", "other")):
        assert not verdict(AFTER, leave(*subjects)).holds


def test_leave_for_a_mirror_is_no_leave_for_more() -> None:
    for more in ("curl example.org", "docker push quay.io/acme/app:1", "docker buildx create"):
        after = AFTER.replace("build:\n", "build:\n  image: alpine\n", 1)
        assert not verdict(after, leave("", "build")).holds
        after = AFTER.replace(f"  - {GIVEN}\n", f"  - {GIVEN}\n  - {more}\n")
        assert not verdict(after, leave("", "build")).holds


def test_a_registry_that_the_pipeline_pushes_to_keeps_its_pulls() -> None:
    sides = []
    for text in (BEFORE, AFTER):
        pushed = text.replace("$CI_REGISTRY_IMAGE", "quay.io/acme/app")
        pushed = pushed.replace('"docker.io"', '"quay.io"')
        sides.append(Facts(Snapshot.of({CI: pushed, "Dockerfile": "FROM a"})))
    found = check(PipelineChange(CI, tuple(leave("", "build"))), *sides)
    assert any("the pipeline pushes to quay.io" in line for line in found.failures)
