"""GitLab pipelines: what jobs inherit, and the builds that their scripts ask for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dockerfix.facts.builds import BuildList
from dockerfix.facts.gitlab.pipeline import Job, Pipeline, find_pipeline
from dockerfix.facts.model import Build, SiteKind
from dockerfix.facts.repository import Facts
from dockerfix.syntax.yaml.tree import Scalar, YamlError
from dockerfix.text import Snapshot

Find = Callable[..., BuildList]
Short = Callable[[Build], str]
CI = ".gitlab-ci.yml"


def read(text: str, **more: str) -> Pipeline:
    found = find_pipeline(
        Snapshot.of({CI: text, **{k.replace("__", "/"): v for k, v in more.items()}})
    )
    assert found is not None
    return found


def job(text: str, name: str = "j") -> Job:
    return read(text).jobs[name]


def lines(job: Job) -> list[str]:
    return [line.scalar.text for line in job.lines]


def values(job: Job) -> dict[str, str]:
    return {name: scalar.text for name, scalar in job.variables.items()}


def test_no_pipeline() -> None:
    assert find_pipeline(Snapshot.of({"a": ""})) is None


def test_extends_merges_maps_and_replaces_lists() -> None:
    found = job(
        ".a:\n  variables: {A: a, B: a}\n  script: [a]\n  image: a\n"
        ".b:\n  extends: .a\n  variables: {B: b, C: b}\n  script: [b]\n"
        ".c:\n  variables: {C: c}\n"
        "j:\n  extends: [.b, .c]\n  variables: {D: j}\n"
    )
    assert values(found) == {"A": "a", "B": "b", "C": "c", "D": "j"}
    assert lines(found) == ["b"]
    assert isinstance(found.keys["image"], Scalar)


def test_extends_in_a_circle_ends() -> None:
    assert lines(job("j:\n  extends: k\n  script: [a]\nk:\n  extends: j\n")) == ["a"]


def test_anchors_and_merge_keys() -> None:
    found = job(
        ".v: &v {A: a}\n.s: &s\n  - one\n  - two\n"
        "j:\n  variables:\n    <<: *v\n    B: b\n  script:\n    - *s\n    - three\n"
    )
    assert values(found) == {"A": "a", "B": "b"}
    assert lines(found) == ["one", "two", "three"]


def test_default_and_inherit() -> None:
    text = (
        "before_script: [top]\ndefault:\n  before_script: [default]\n  image: x\n"
        "j:\n  script: [j]\n"
        "own:\n  before_script: [own]\n  script: [j]\n"
        "none:\n  before_script: []\n  script: [j]\n"
        "off:\n  inherit: {default: false}\n  script: [j]\n"
        "some:\n  inherit: {default: [image]}\n  script: [j]\n"
    )
    found = {name: lines(read(text).jobs[name]) for name in ("j", "own", "none", "off", "some")}
    assert found == {
        "j": ["default", "j"], "own": ["own", "j"], "none": ["j"], "off": ["j"], "some": ["j"],
    }  # fmt: skip
    assert "image" in read(text).jobs["some"].keys
    assert "image" not in read(text).jobs["off"].keys


def test_variables_that_a_job_sees() -> None:
    text = (
        "variables:\n  A: a\n  B:\n    value: b\n    description: x\n"
        "j:\n  variables: {A: j}\n  script: [x]\n"
        "off:\n  inherit: {variables: false}\n  script: [x]\n"
        "some:\n  inherit: {variables: [B]}\n  script: [x]\n"
    )
    pipeline = read(text)
    found = {
        name: {k: v.text for k, v in pipeline.variables_of(pipeline.jobs[name]).items()}
        for name in ("j", "off", "some")
    }
    assert found == {"j": {"A": "j", "B": "b"}, "off": {}, "some": {"B": "b"}}


def test_variable_with_a_description_alone_is_empty() -> None:
    found = read("variables:\n  A:\n    description: x\n  B: {options: [a]}\nj: {script: x}\n")
    assert {name: scalar.text for name, scalar in found.variables.items()} == {"A": ""}


def test_reference_in_scripts_rules_and_variables() -> None:
    found = job(
        ".s:\n  script: [a, b]\n  vars: {A: x}\n  globs: [g/**/*]\n  rules: [{if: $C}]\n"
        "j:\n  variables: !reference [.s, vars]\n"
        "  script:\n    - !reference [.s, script]\n    - c\n"
        "  rules:\n    - !reference [.s, rules]\n    - changes: !reference [.s, globs]\n"
    )
    assert lines(found) == ["a", "b", "c"]
    assert values(found) == {"A": "x"}
    assert found.rules is not None
    assert [(rule.condition, rule.changes) for rule in found.rules] == [
        ("$C", None), ("", ("g/**/*",)),
    ]  # fmt: skip


def test_a_reference_that_leads_nowhere_or_back_ends() -> None:
    lines(job("j:\n  script:\n    - !reference [.no, script]\n    - a\n"))
    lines(job("j:\n  script:\n    - !reference [j, script]\n"))


def test_rules_and_needs() -> None:
    found = job(
        "j:\n  script: [x]\n"
        "  needs: [a, {job: b}, {job: c, optional: true}, {pipeline: x, job: d}]\n"
        "  rules:\n    - if: $X\n      when: never\n    - changes: {paths: [a, b]}\n"
        "    - exists: [c]\n"
    )
    assert found.needs is not None
    assert [(need.job, need.optional) for need in found.needs] == [
        ("a", False), ("b", False), ("c", True),
    ]  # fmt: skip
    assert found.rules is not None
    assert [(r.condition, r.when, r.changes, r.exists) for r in found.rules] == [
        ("$X", "never", None, None), ("", "on_success", ("a", "b"), None),
        ("", "on_success", None, ("c",)),
    ]  # fmt: skip
    assert job("j:\n  needs: []\n").needs == ()
    assert job("j:\n  script: [x]\n").needs is None


def test_a_matrix_makes_rows() -> None:
    found = job(
        "j:\n  script: [x]\n  parallel:\n    matrix:\n      - {A: [1, 2], B: x}\n      - {A: 3}\n"
    )
    assert [{k: v.text for k, v in row.items()} for row in found.rows] == [
        {"A": "1", "B": "x"}, {"A": "2", "B": "x"}, {"A": "3"},
    ]  # fmt: skip


def test_includes_merge_under_the_file_that_names_them() -> None:
    files = {
        "ci/a.yml": "variables: {A: a, B: a}\nj:\n  script: [a]\n  variables: {X: a, Y: a}\n",
        "ci/b.yml": "include: c.yml\n",
        "c.yml": "k:\n  script: [c]\n",
    }
    pipeline = read(
        "include:\n  - local: /ci/a.yml\n  - ci/b.yml\nvariables: {A: top}\n"
        "j:\n  variables: {X: top}\n",
        **files,
    )
    assert {k: v.text for k, v in pipeline.variables.items()} == {"A": "top", "B": "a"}
    assert values(pipeline.jobs["j"]) == {"X": "top", "Y": "a"}
    assert lines(pipeline.jobs["j"]) == ["a"]
    assert lines(pipeline.jobs["k"]) == ["c"]
    assert pipeline.unread == ()


def test_include_globs() -> None:
    files = {
        "ci/a.yml": "a: {script: [x]}\n", "ci/x/b.yml": "b: {script: [x]}\n",
        "ci/c.yaml": "c: {script: [x]}\n",
    }  # fmt: skip
    assert set(read("include: 'ci/*.yml'\n", **files).jobs) == {"a"}
    assert set(read("include: '/ci/**.yml'\n", **files).jobs) == {"a", "b"}
    assert set(read("include: 'ci/**/*.yml'\n", **files).jobs) == {"b"}


def test_includes_that_cannot_be_read_are_said() -> None:
    pipeline = read(
        "include:\n  - remote: https://x/y.yml\n  - template: T\n  - {project: p, file: f}\n"
        "  - component: c\n  - local: $DIR/x.yml\n  - local: no.yml\n  - local: bad.yml\n"
        "j: {script: [x]}\n",
        **{"bad.yml": "a: ["},
    )
    assert [place.position.line for place, _ in pipeline.unread] == [2, 3, 4, 5, 6, 7, 8]
    assert "include of remote" in pipeline.unread[0][1]
    assert "does not exist" in pipeline.unread[5][1]
    assert "bad.yml:2:1: " in pipeline.unread[6][1]


def test_files_that_include_each_other() -> None:
    other = {"a.yml": "include: .gitlab-ci.yml\nk: {}\n"}
    assert set(read("include: a.yml\nj: {script: [x]}\n", **other).jobs) == {"j", "k"}


@pytest.mark.parametrize(
    ("text", "what"),
    [(b"a: [\n", r"^\.gitlab-ci\.yml:2:1: "), (b"a: \xff\n", r"^\.gitlab-ci\.yml:1:4: not UTF-8")],
)
def test_a_broken_pipeline_says_where(text: bytes, what: str) -> None:
    facts = Facts(Snapshot.of({CI: text, "d.sh": "docker build .\n", "Dockerfile": "FROM a\n"}))
    assert facts.pipeline is None
    assert [build.site.kind for build in facts.builds.builds] == [SiteKind.SHELL]
    with pytest.raises(YamlError, match=what):
        facts.read_pipeline()


def test_odd_shapes_do_not_raise(find: Find) -> None:
    for text in ("", "[]", "x", "stages:\n", "j:\n", "j: {script: }\n", "j: {needs: {a: b}}\n",
                 "j: {rules: x, script: {a: b}}\n", "include:\n", "include: [[a]]\n",
                 "default: x\nj: {extends: {a: b}}\n", "variables: [a]\nj: {variables: [b]}\n",
                 "j: {parallel: {matrix: {a: b}}, script: [x]}\n",
                 "j: {trigger: [a]}\n"):  # fmt: skip
        find({CI: text})


# Builds


def test_the_site_is_the_command_and_its_job(find: Find, short: Short) -> None:
    text = (
        "j:\n  script:\n    - echo\n    - |\n"
        "      docker build \\\n        --file é/D \\\n        .\n"
    )
    (build,) = find({CI: text}).builds
    assert short(build) == "é/D|.|"
    assert str(build.site) == f"{CI}:5:7 (GitLab job j)"
    assert build.site.kind is SiteKind.GITLAB
    file = build.dockerfile_written
    assert file is not None and file.place is not None
    assert text.encode()[slice(*file.place.span)].decode() == "é/D"
    assert file.place.position == (6, 16)


def test_lines_share_a_shell_but_after_script_does_not(find: Find, short: Short) -> None:
    found = find({CI: (
        "default:\n  before_script: [cd app, F=D]\n"
        "j:\n  script: ['docker build -f $F .']\n  after_script: ['docker build .']\n"
    )})  # fmt: skip
    assert list(map(short, found.builds)) == ["app/D|app|", "Dockerfile|.|"]


def test_a_template_is_read_through_the_jobs_that_use_it(find: Find, short: Short) -> None:
    text = (
        "variables: {TARGET: dev, ROOT: app}\n"
        ".b:\n  variables: {F: $ROOT/D}\n"
        "  script: ['docker build -f $F --target $TARGET .']\n"
        "a:\n  extends: .b\n  variables: {F: a/D}\n"
        "b:\n  extends: .b\n  variables: {TARGET: rel}\n"
    )
    found = find({CI: text})
    assert list(map(short, found.builds)) == ["a/D|.|dev", "app/D|.|rel"]
    first = found.builds[0].dockerfile_written
    assert first is not None and first.origin is not None
    assert text[slice(*first.origin.span)] == "a/D"
    assert first.carrier == "F"
    assert found.builds[0].site.place == found.builds[1].site.place
    assert found.values_of("TARGET") == ("dev", "rel")


def test_a_matrix_makes_a_build_a_row(find: Find, short: Short) -> None:
    found = find({CI: (
        "j:\n  parallel:\n    matrix:\n      - {S: a, F: x/D}\n      - {S: [b, c], F: y/D}\n"
        "  script: ['docker build -f $F --target $S .']\n"
    )})  # fmt: skip
    assert list(map(short, found.builds)) == ["x/D|.|a", "y/D|.|b", "y/D|.|c"]


def test_rules_may_set_variables(find: Find) -> None:
    (build,) = find({CI: (
        "j:\n  variables: {T: dev}\n  rules:\n    - if: $X\n      variables: {T: rel}\n    - {}\n"
        "  script: ['docker build --target $T .']\n"
    )}).builds  # fmt: skip
    assert build.target is not None
    assert build.target.choices == ("dev", "rel")


def test_inputs_stay_unknown(find: Find, short: Short) -> None:
    found = find({CI: (
        "spec:\n  inputs:\n    dir:\n---\n"
        "j:\n  script:\n    - docker build -f $[[ inputs.dir ]]/D --target x $[[ inputs.dir ]]\n"
    )})  # fmt: skip
    assert list(map(short, found.builds)) == ["?|?|x"]
    assert found.builds[0].context_written is not None
    assert found.builds[0].context_written.variables == ("inputs_dir",)


def test_scripts_and_make_are_followed_from_jobs(find: Find, short: Short) -> None:
    found = find({
        CI: "j:\n  variables: {T: dev}\n  script: [./b.sh a, make image D=b]\n",
        "b.sh": "docker build --target $T $1\n",
        "Makefile": "T ?= rel\nimage:\n\tdocker build --target $(T) $(D)\n",
    })  # fmt: skip
    assert list(map(short, found.builds)) == ["a/Dockerfile|a|dev", "b/Dockerfile|b|dev"]
    assert [b.site.name for b in found.builds] == ["j", "j"]
    assert [b.site.through for b in found.builds] == [("b.sh",), ("make image",)]


def test_a_child_pipeline_is_read(find: Find, short: Short) -> None:
    found = find({
        CI: "j:\n  trigger:\n    include: [{local: child.yml}]\n"
        "k:\n  trigger: {include: other.yml}\n",
        "child.yml": "b:\n  script: [docker build a]\n",
        "other.yml": "b: [\n",
    })  # fmt: skip
    assert list(map(short, found.builds)) == ["a/Dockerfile|a|"]
    assert found.builds[0].site.name == "b (child.yml)"
    assert [(str(blind.place), "other.yml:2:1" in blind.why) for blind in found.blind] == [
        (f"{CI}:5:22", True)
    ]


def test_what_is_included_from_elsewhere_stands_apart(find: Find) -> None:
    found = find({CI: "include:\n  - template: T\n.unused:\n  script: [docker build .]\n"})
    assert [(blind.place.position.line, blind.apart) for blind in found.blind] == [
        (2, True), (4, False),
    ]  # fmt: skip


def test_what_never_runs_is_said(find: Find) -> None:
    found = find({
        CI: ".unused:\n  script: [docker build .]\n# docker build .\n",
        "ci/other.gitlab-ci.yml": "j:\n  script:\n    - docker build .\n"
        "    - echo docker build .\n",
    })  # fmt: skip
    assert found.builds == ()
    assert [str(blind.place) for blind in found.blind] == [
        f"{CI}:2:12",
        "ci/other.gitlab-ci.yml:3:7",
    ]


def test_compose_in_ci_uses_services(find: Find) -> None:
    found = find({
        CI: "j:\n  script:\n    - docker compose pull a b\n"
        "    - docker compose run --rm -e X=y a npm test\n"
        "    - T=rel docker compose -f ci.yml up --build -d\n    - docker compose build --pull b\n",
        "compose.yml": "services: {a: {build: .}}\n",
        "ci.yml": "services: {c: {build: c}}\n",
    })  # fmt: skip
    uses = [(u.verb, u.services, u.files, u.builds) for u in found.compose_uses]
    assert uses == [
        ("pull", ("a", "b"), ("compose.yml",), False), ("run", ("a",), ("compose.yml",), False),
        ("up", (), ("ci.yml",), True), ("build", ("b",), ("compose.yml",), True),
    ]  # fmt: skip
    assert [build.site.name for build in found.builds] == ["a", "c"]
    assert found.values_of("T") == ("rel",)
