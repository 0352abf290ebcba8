"""Shell scripts followed to the builds that they ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from dockerfix.facts.builds import BuildList
from dockerfix.facts.model import Build, SiteKind, Tool

Script = Callable[[str], BuildList]
Find = Callable[[Mapping[str, str]], BuildList]
Short = Callable[[Build], str]

BUILDS: dict[str, tuple[str, list[str]]] = {
    "plain": ("docker build .", ["Dockerfile|.|"]),
    "file and target": (
        "docker build -f a/Dockerfile.x --target=dev a",
        ["a/Dockerfile.x|a|dev"],
    ),
    "short flags in one word": ("docker build -fa/D -tx .", ["a/D|.|"]),
    "last value wins": ("docker build --target a --target b .", ["Dockerfile|.|b"]),
    "context in the middle": ("docker build --tag x app --target dev", ["app/Dockerfile|app|dev"]),
    "context first": ("docker build app -f app/D", ["app/D|app|"]),
    "quoted": ("docker build --file \"a/D\" 'my app'", ["a/D|my app|"]),
    "cd": ("cd app && docker build .", ["app/Dockerfile|app|"]),
    "cd lasts": ("cd app\ndocker build .", ["app/Dockerfile|app|"]),
    "cd or exit": ("cd app || exit 1\ndocker build .", ["app/Dockerfile|app|"]),
    "cd in a subshell": ("(cd app; docker build .)\ndocker build .", [
        "app/Dockerfile|app|", "Dockerfile|.|",
    ]),
    "cd back": ("cd app; cd -; docker build .", ["Dockerfile|.|"]),
    "pushd and popd": ("pushd app; docker build .; popd; docker build .", [
        "app/Dockerfile|app|", "Dockerfile|.|",
    ]),
    "cd to a variable": ("cd $DIR; docker build .", ["?|?|"]),
    "parent": ("cd a/b; docker build -f ../D ..", ["a/D|a|"]),
    "outside": ("docker build ..", ["?|?|"]),
    "variable": ("F=a/D\ndocker build -f $F .", ["a/D|.|"]),
    "several words in a variable": ('F="-f a/D --target x"\ndocker build $F .', ["a/D|.|x"]),
    "quoted variable is one word": ('D="my app"\ndocker build "$D"', ["my app/Dockerfile|my app|"]),
    "appended": ("F='--target x'\nF+=' -f a/D'\ndocker build $F .", ["a/D|.|x"]),
    "own default": ('T=${T:-dev}\ndocker build --target "$T" .', ["Dockerfile|.|${T:-dev}"]),
    "unset": ("T=a; unset T; docker build --target ${T:-b} .", ["Dockerfile|.|b"]),
    "one command's variable": ("T=a docker build --target $T .", ["Dockerfile|.|${T}"]),
    "one command's variable and the shell's": (
        "T=b\nT=a docker build --target $T .", ["Dockerfile|.|b"],
    ),
    "loop": (
        "for s in a b; do docker build -f Dockerfile.$s .; done",
        ["Dockerfile.a|.|", "Dockerfile.b|.|"],
    ),
    "loop over a list": (
        'L="a b"\nfor s in $L; do docker build $s; done',
        ["a/Dockerfile|a|", "b/Dockerfile|b|"],
    ),
    "loop over an array": (
        'L=(a b)\nfor s in "${L[@]}"; do docker build $s; done',
        ["a/Dockerfile|a|", "b/Dockerfile|b|"],
    ),
    "loop over output": ("for s in $(ls); do docker build $s; done", ["?|?|"]),
    "while read": ("while read -r s; do docker build $s; done < list", ["?|?|"]),
    "read forgets": ("s=a; read s; docker build $s", ["?|?|"]),
    "function": (
        'b() { docker build -f "$1" "${2:-.}"; }\nb a/D\nb b/D b',
        ["a/D|.|", "b/D|b|"],
    ),
    "function with locals": (
        'b() { local d="$1" t=${2:-dev}; docker build --target "$t" "$d"; }\nb a; b b rel',
        ["a/Dockerfile|a|dev", "b/Dockerfile|b|rel"],
    ),
    "locals do not leak": (
        "t=x\nb() { local t=y; }\nb\ndocker build --target $t .",
        ["Dockerfile|.|x"],
    ),
    "globals of a function last": (
        "b() { t=y; cd app; }\nb\ndocker build --target $t .",
        ["app/Dockerfile|app|y"],
    ),
    "all arguments": ('b() { docker build "$@"; }\nb -f a/D --target x .', ["a/D|.|x"]),
    "arguments keep their blanks": (
        'b() { docker build "$@"; }\nb -f "my D" .',
        ["my D|.|"],
    ),
    "a function that runs its arguments": (
        'run() { echo "$@"; "$@"; }\nrun docker build -f a/D .',
        ["a/D|.|"],
    ),
    "shift": (
        'b() { local t="$1"; shift; docker build --target "$t" "$@"; }\nb x -f a/D .',
        ["a/D|.|x"],
    ),
    "function calls function": (
        'a() { docker build -f "$1" .; }\nb() { a "Dockerfile.$1"; }\nb x',
        ["Dockerfile.x|.|"],
    ),
    "return ends a function": (
        "b() { docker build a; return; docker build b; }\nb\ndocker build c",
        ["a/Dockerfile|a|", "c/Dockerfile|c|"],
    ),
    "exit ends the script": ("docker build a\nexit 0\ndocker build b", ["a/Dockerfile|a|"]),
    "exit in a branch does not": (
        "if x; then exit 1; fi\ndocker build .",
        ["Dockerfile|.|"],
    ),
    "function that exits in a branch": (
        "die() { echo no; exit 1; }\n[ -f x ] || die\ndocker build .",
        ["Dockerfile|.|"],
    ),
    "branch that changes the folder": (
        "if x; then cd a; fi\ndocker build -f /dev/null .",
        ["?|?|"],
    ),
    "branch that leaves with the folder": (
        "if x; then cd a; exit; fi\ndocker build .",
        ["Dockerfile|.|"],
    ),
    "test that changes the folder": (
        "[ -d a ] && cd a && docker build .",
        ["a/Dockerfile|a|"],
    ),
    "sudo and env": ("sudo -E env A=b docker build .", ["Dockerfile|.|"]),
    "timeout": ("timeout 60 docker build .", ["Dockerfile|.|"]),
    "negated": ("if ! docker build .; then exit 1; fi", ["Dockerfile|.|"]),
    "substitution": ('ID=$(docker build -q .)\necho "$(docker build -q a)"', [
        "Dockerfile|.|", "a/Dockerfile|a|",
    ]),
    "pipeline": ("docker build . 2>&1 | tee log", ["Dockerfile|.|"]),
    "redirection before words": ("docker build > log -f a/D .", ["a/D|.|"]),
    "eval": ('eval "docker build -f a/D ."', ["a/D|.|"]),
    "sh -c": ("sh -c 'cd app && docker build .'", ["app/Dockerfile|app|"]),
    "sh -c sees variables": ('D=app\nbash -ec "docker build $D"', ["app/Dockerfile|app|"]),
    "shell from a heredoc": ("bash <<'EOF'\ndocker build app\nEOF", ["app/Dockerfile|app|"]),
    "behind a heredoc": ("cat > x <<EOF && docker build app\nx\nEOF", ["app/Dockerfile|app|"]),
    "standard input": ("docker build - < Dockerfile", ["?|?|"]),
    "address": ("docker build https://example.org/x.git", ["?|?|"]),
    "Dockerfile from input": ("docker build -f - . <<EOF\nFROM x\nEOF", ["?|.|"]),
    "help": ("docker build --help", []),
    "echo": ('echo "docker build ."\nprintf "docker build"', []),
    "other verbs": ("docker login\ndocker run x build\ndocker push x/build", []),
    "root variable": ("docker build -f $CI_PROJECT_DIR/a/D ${CI_PROJECT_DIR}", ["a/D|.|"]),
    "git root": (
        "cd x; R=$(git rev-parse --show-toplevel)\ndocker build -f $R/a/D $R",
        ["a/D|.|"],
    ),
    "pwd": ('cd a; docker build -f "$(pwd)/D" "$PWD"', ["a/D|a|"]),
    "tool in a variable": ("${DOCKER:-docker} build .", ["Dockerfile|.|"]),
    "builder before the verb": ("docker buildx --builder b build .", ["Dockerfile|.|"]),
    "default that may change": ("docker build -f ${F:-a/D} ${C:-.}", ["a/D|.|"]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), BUILDS.values(), ids=BUILDS)
def test_builds_of_a_script(script: Script, short: Short, text: str, expected: list[str]) -> None:
    assert [short(build) for build in script(text).builds] == expected


def test_a_function_that_only_prints_is_passed_over(script: Script) -> None:
    log = "log() { echo \"[log] $1\"; }\nlog 'the next one'\n"
    silent = script(f"{log}docker build a\n")
    assert [build.context for build in silent.builds] == ["a"]
    assert silent.blind == ()
    other = script('log() { echo "$(docker build a)"; }\nlog\nlog() { echo; }\nlog\n')
    assert [build.context for build in other.builds] == ["a"]


def test_the_folder_of_the_script_itself(find: Callable[..., BuildList], short: Short) -> None:
    idioms = [
        'cd "$(dirname "$0")/.." && docker build -f app/D .',
        'cd "$(dirname "${BASH_SOURCE[0]}")/.."\ndocker build -f app/D .',
        'HERE=$(cd "$(dirname "$0")" && pwd)\ndocker build -f "$HERE/../app/D" "$HERE/.."',
        'docker build -f "$(dirname "$0")/../app/D" "$(dirname "$(realpath "$0")")/.."',
        'cd "${0%/*}/.."; docker build -f app/D .',
        "cd app/..; docker build -f app/D .",
    ]
    for text in idioms:
        found = find({"ci/build.sh": f"#!/bin/bash\n{text}\n", "app/D": "FROM x\n"})
        assert [short(build) for build in found.builds] == ["app/D|.|"], text


def test_a_script_runs_in_the_root_or_where_its_dockerfile_is(
    find: Callable[..., BuildList], short: Short
) -> None:
    beside = find({"app/build.sh": "docker build .", "app/Dockerfile": ""})
    assert [short(build) for build in beside.builds] == ["app/Dockerfile|app|"]
    root = find({"ci/build.sh": "docker build .", "Dockerfile": "", "ci/Dockerfile": ""})
    assert [short(build) for build in root.builds] == ["Dockerfile|.|"]


def test_a_script_that_leaves_the_root_upwards_runs_where_it_stands(
    find: Callable[..., BuildList], short: Short
) -> None:
    text = "cd ../..\ndocker build -f app/D .\n"
    found = find({"tools/local/build.sh": text, "app/D": "FROM scratch\n"})
    assert [short(build) for build in found.builds] == ["app/D|.|"]


def test_a_script_runs_where_the_scripts_that_it_runs_are(
    find: Callable[..., BuildList], short: Short
) -> None:
    files = {
        "images/tool.sh": 'docker build -f "$(pwd)/Dockerfile" "$(git rev-parse --show-toplevel)"',
        "images/a/build.sh": "../tool.sh\n", "images/a/Dockerfile": "",
        "images/b/build.sh": "../tool.sh\n", "images/b/Dockerfile": "",
    }  # fmt: skip
    found = [short(build) for build in find(files).builds]
    assert found == ["images/a/Dockerfile|.|", "images/b/Dockerfile|.|"]


def test_a_script_without_an_ending(find: Callable[..., BuildList], short: Short) -> None:
    found = find({"bin/build": "#!/usr/bin/env bash\ndocker build .\n", "bin/x": "docker build y"})
    assert [short(build) for build in found.builds] == ["Dockerfile|.|"]


def test_a_script_is_read_through_the_scripts_that_run_it(
    find: Callable[..., BuildList], short: Short
) -> None:
    found = find({
        "main.sh": "./ci/b.sh a\nbash ci/b.sh b\n. ./lib.sh\nimage c\n",
        "ci/b.sh": "docker build $1\n",
        "lib.sh": "image() { docker build $1; }\n",
    })  # fmt: skip
    assert [short(build) for build in found.builds] == [
        "a/Dockerfile|a|", "b/Dockerfile|b|", "c/Dockerfile|c|",
    ]  # fmt: skip
    first = found.builds[0]
    assert first.site.place.path == "ci/b.sh"
    assert first.site.through == ("ci/b.sh",)


def test_scripts_that_run_each_other_are_read_once(
    find: Callable[..., BuildList], short: Short
) -> None:
    found = find({"a.sh": "docker build a\n./b.sh\n", "b.sh": "docker build b\n./a.sh\n"})
    assert sorted(set(map(short, found.builds))) == ["a/Dockerfile|a|", "b/Dockerfile|b|"]


def test_a_loop_over_a_glob_knows_the_files(find: Callable[..., BuildList], short: Short) -> None:
    files = {"s/a/Dockerfile": "", "s/b/Dockerfile": "", "s/README": "", "s/.x/Dockerfile": ""}
    for loop in (
        "for d in s/*/; do docker build $d; done",
        'for f in s/*/Dockerfile; do docker build -f "$f" .; done',
    ):
        found = find({"b.sh": loop, **files})
        assert [build.dockerfile for build in found.builds] == ["s/a/Dockerfile", "s/b/Dockerfile"]
    missing = find({"b.sh": "for d in no/*; do docker build $d; done"})
    assert "no file is known" in missing.blind[0].why


def test_branches_have_all_values(script: Script) -> None:
    found = script(
        'if [ "$1" = x ]; then F=a; elif y; then F=b; else F=c; fi\n'
        "case $2 in x) T=dev;; y) T=rel;; esac\n"
        "docker build -f $F --target $T .\n"
    )
    (build,) = found.builds
    assert build.dockerfile is None
    assert build.dockerfile_written is not None
    assert build.dockerfile_written.choices == ("a", "b", "c")
    assert build.target is not None
    assert build.target.choices == ("${T}", "dev", "rel")


def test_too_many_values_are_not_known(script: Script) -> None:
    branches = "".join(f"if x; then A{n}=1; else A{n}=2; fi\n" for n in range(8))
    word = "".join(f"$A{n}" for n in range(8))
    (build,) = script(f"{branches}docker build -f {word} .").builds
    assert build.dockerfile is None
    assert build.dockerfile_written is not None
    assert build.dockerfile_written.choices == ()


def test_a_variable_that_may_hold_options_is_said(script: Script) -> None:
    for word in ("$EXTRA", '"${ARGS[@]}"', '"$@"', "${CACHE:+--cache-from x}"):
        (build,) = script(f"docker build {word} -f a/D .").builds
        assert (build.dockerfile, build.context) == ("a/D", "")
        assert "may hold further options" in build.unknown[0]
    (build,) = script('docker build -f a/D "$CONTEXT"').builds
    assert build.context is None


def test_a_default_is_taken_and_said(script: Script) -> None:
    (build,) = script("docker build -f ${F:-a/D} .").builds
    assert build.unknown == ("the Dockerfile is a/D unless F is set elsewhere",)


def test_values_know_where_they_were_written(script: Script) -> None:
    text = 'b() {\n  local f="$1"\n  docker build --file="$f" --target ${2} .\n}\nb a/D dev\n'
    (build,) = script(text).builds
    file, target = build.dockerfile_written, build.target
    assert file is not None and target is not None
    assert file.place is not None and text[slice(*file.place.span)] == '"$f"'
    assert target.place is not None and text[slice(*target.place.span)] == "${2}"
    assert target.origin is not None and text[slice(*target.origin.span)] == "dev"
    assert target.carrier == "2"
    (call,) = build.calls
    assert text[slice(*call.place.span)] == "b a/D dev"
    assert [text[slice(*p.span)] for p in call.arguments if p] == ["a/D", "dev"]
    assert call.parameters == 2
    assert build.site.through == ("b",)
    assert build.variables["f"] == "a/D"


def test_a_word_handed_through_a_function_stands_in_its_call(script: Script) -> None:
    text = 'run() { "$@"; }\nrun docker build -f "a/D" .\n'
    (build,) = script(text).builds
    assert text[slice(*build.site.place.span)] == 'run docker build -f "a/D" .'
    assert build.calls == ()
    file = build.dockerfile_written
    assert file is not None and file.place is not None
    assert text[slice(*file.place.span)] == '"a/D"'


def test_options_and_values(script: Script) -> None:
    text = (
        "docker buildx build --push --load=false --platform linux/amd64,linux/arm64 -t a -t b "
        '--build-arg A=b --build-arg C --build-arg "D=e f" --cache-from type=gha '
        "--cache-to=type=gha,mode=max --secret id=x --build-context n=docker-image://y "
        "--output type=registry -q ."
    )
    (build,) = script(text).builds
    assert build.tool is Tool.BUILDX_BUILD
    assert (build.push, build.load) == (True, False)
    assert [t.text for t in build.tags] == ["a", "b"]
    pairs = [(a.name, a.value.text if a.value else None) for a in build.arguments]
    assert pairs == [("A", "b"), ("C", None), ("D", "e f")]
    value = build.arguments[2].value
    assert value is not None and value.place is not None
    assert text[slice(*value.place.span)] == "e f"
    assert [v.text for v in build.cache_to] == ["type=gha,mode=max"]
    assert [(c.name, c.value.text if c.value else "") for c in build.named_contexts] == [
        ("n", "docker-image://y")
    ]
    flag = next(o for o in build.options if o.name == "cache-to")
    assert flag.joined and flag.place is not None
    assert text[slice(*flag.place.span)] == "--cache-to=type=gha,mode=max"


OTHERS: dict[str, tuple[str, Tool, str]] = {
    "kaniko": (
        "/kaniko/executor --cleanup --context $CI_PROJECT_DIR/app --dockerfile D "
        "--destination x --target=dev",
        Tool.KANIKO, "app/D|app|dev",
    ),
    "kaniko with a sub path": (
        "/kaniko/executor --context dir://$CI_PROJECT_DIR --context-sub-path app -d x",
        Tool.KANIKO, "app/Dockerfile|app|",
    ),
    "buildah": ("buildah bud -f a/D --target dev a", Tool.BUILDAH, "a/D|a|dev"),
    "podman without a context": ("cd a; podman build -t x", Tool.PODMAN, "a/Dockerfile|a|"),
    "nerdctl": ("nerdctl build a", Tool.DOCKER_BUILD, "a/Dockerfile|a|"),
    "image build": ("docker image build a", Tool.DOCKER_BUILD, "a/Dockerfile|a|"),
    "docker-buildx": ("docker-buildx build a", Tool.BUILDX_BUILD, "a/Dockerfile|a|"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "tool", "expected"), OTHERS.values(), ids=OTHERS)
def test_other_tools(script: Script, short: Short, text: str, tool: Tool, expected: str) -> None:
    (build,) = script(text).builds
    assert (build.tool, short(build)) == (tool, expected)


def test_kaniko_pushes_unless_told_not_to(script: Script) -> None:
    base = "/kaniko/executor --context . --destination x"
    assert script(base).builds[0].push
    assert not script(f"{base} --no-push").builds[0].push


def test_a_containerfile_is_taken_first(find: Callable[..., BuildList]) -> None:
    found = find({"b.sh": "podman build a", "a/Containerfile": "", "a/Dockerfile": ""})
    assert found.builds[0].dockerfile == "a/Containerfile"


def test_podman_looks_below_the_context_too(find: Callable[..., BuildList]) -> None:
    command = {"b.sh": "podman build -f D a"}
    assert find({**command, "a/D": ""}).builds[0].dockerfile == "a/D"
    assert find({**command, "a/D": "", "D": ""}).builds[0].dockerfile == "D"


def test_several_words_for_the_context_are_not_guessed(script: Script) -> None:
    (build,) = script("docker build --new-flag value .").builds
    assert build.context is None
    assert "more words than one" in build.unknown[0]


HIDDEN = {
    "either of two": "E=docker\nif x; then E=podman; fi\n$E build -f a/Dockerfile a\n",
    "found where it runs": (
        "E_ENGINE=$(command -v podman || command -v docker)\n$E_ENGINE build -f a/Dockerfile a\n"
    ),
    "named after builders": "${CONTAINER_ENGINE} build -f a/Dockerfile a\n",
    "a function of its name": (
        "docker() {\n  local docker_cmd=${RUN:-docker}\n"
        '  [ -z "$RUN" ] && docker_cmd=$(which docker)\n'
        '  shift; $docker_cmd build "$@"\n}\ndocker build -f a/Dockerfile a\n'
    ),
    "with its verb": "B='docker build'\nif x; then B='podman build'; fi\n$B -f a/Dockerfile a\n",
}


@pytest.mark.parametrize("text", HIDDEN.values(), ids=HIDDEN)
def test_a_build_is_read_whichever_tool_builds_it(find: Find, text: str) -> None:
    (build,) = find({"b.sh": text, "a/Dockerfile": ""}).builds
    assert (build.dockerfile, build.context) == ("a/Dockerfile", "a")
    assert "the tool is a variable" in build.unknown[0]


def test_a_push_through_a_function_is_no_build(find: Find) -> None:
    text = (
        'docker() {\n  if [[ "$1" == "build" ]]; then\n    shift\n    $docker_cmd build "$@"\n'
        '  else\n    $docker_cmd "$@"\n  fi\n}\ndocker build a\ndocker push r/image:1\n'
    )
    found = find({"b.sh": text, "a/Dockerfile": ""})
    assert {(b.dockerfile, b.context) for b in found.builds} == {("a/Dockerfile", "a")}


def test_a_build_whose_tools_take_other_files_is_said(find: Find) -> None:
    """Where only the context has the file, podman takes it, and docker finds none."""
    found = find({"b.sh": "$DOCKER build -f D a\n", "a/D": ""})
    assert found.builds == ()
    assert "the tool is a variable" in found.blind[0].why


BETWEEN = {
    "two folders up": ({"a/b/c/b.sh": "docker build -f ops/D .\n", "a/ops/D": ""}, "a/ops/D|a"),
    "the root first": (
        {"a/b/b.sh": "docker build -f ops/D .\n", "a/ops/D": "", "ops/D": ""}, "ops/D|",
    ),
    "nowhere": ({"a/b/b.sh": "docker build -f ops/D .\n"}, "ops/D|"),
}  # fmt: skip


@pytest.mark.parametrize(("files", "meant"), BETWEEN.values(), ids=BETWEEN)
def test_a_script_runs_where_its_dockerfiles_are(
    find: Find, files: dict[str, str], meant: str
) -> None:
    (build,) = find(files).builds
    assert f"{build.dockerfile}|{build.context}" == meant


def test_a_script_does_not_run_where_one_that_it_runs_is_not(find: Find) -> None:
    """A folder in which less is built has fewer Dockerfiles that are missing."""
    files = {
        "a/b/b.sh": "docker build -f ops/D .\n./run.sh\n",
        "a/b/run.sh": "docker build -f x .\n",
    }
    found = find({**files, "a/ops/D": "", "a/b/x": ""})
    assert {(b.dockerfile, b.site.name) for b in found.builds} == {
        ("ops/D", "b.sh"), ("a/b/x", "run.sh"),
    }  # fmt: skip


SENT = {
    "az": ("az acr build -r R --image i -f src/D --build-arg A=b src", "src/D|src"),
    "az without a file": ("az acr build --registry $R -t i:1 ./src", "src/Dockerfile|src"),
    "gcloud": ("gcloud builds submit --project=$P --tag=i --async src", "src/Dockerfile|src"),
    "gcloud in its folder": ("cd src && gcloud builds submit -t i", "src/Dockerfile|src"),
}


@pytest.mark.parametrize(("text", "meant"), SENT.values(), ids=SENT)
def test_what_is_sent_to_a_service_is_a_build(find: Find, text: str, meant: str) -> None:
    found = find({"b.sh": text + "\n", "src/Dockerfile": "", "src/D": ""})
    (build,) = found.builds
    assert f"{build.dockerfile}|{build.context}" == meant
    assert (build.tool, build.push, found.blind) == (Tool.DEPLOYMENT, True, ())


FLY = "app = 'x'\n[build]\ndockerfile = 'D'\n"


@pytest.mark.parametrize(
    "text",
    ["cd a; flyctl deploy --remote-only", "fly deploy --config=a/fly.toml", "cd a && fly deploy",
     "fly deploy --image x", "fly deploy -c fly.b.toml",
     "gcloud builds submit --config ops/cloudbuild.yaml ."],
)  # fmt: skip
def test_what_a_file_that_is_read_builds_is_not_said_again(find: Find, text: str) -> None:
    steps = "steps:\n- name: gcr.io/cloud-builders/docker\n  args: [build, .]\n"
    files = {"fly.b.toml": FLY, "a/fly.toml": FLY, "ops/cloudbuild.yaml": steps}
    found = find({**files, "b.sh": text + "\n", "D": "", "a/D": "", "Dockerfile": ""})
    assert (found.blind, len(found.builds)) == ((), 3)


BLIND = {
    "tool in a variable": ('$TOOL build -t x .', "the tool is a variable"),
    "through a runner": ("docker run -v x docker:cli docker build .", "builds through `docker`"),
    "ssh": ("ssh host 'docker build .'", "builds through `ssh`"),
    "unknown wrapper": ("with_retries docker build .", "builds through `with_retries`"),
    "xargs": ("ls | xargs -I{} docker build {}", "builds through `xargs`"),
    "another builder": ("gcloud builds submit --config x.yaml .", "does not read"),
    "a service's file in a folder": ('cd "$D"; fly deploy', "does not read"),
    "a service's other file": ("# docker\nflyctl deploy -c other.toml", "does not read"),
    "broken shell": ("if docker build .; then\n", "cannot read"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "why"), BLIND.values(), ids=BLIND)
def test_what_cannot_be_followed_is_said(script: Script, text: str, why: str) -> None:
    found = script(f"# docker\n{text}\n")
    assert any(why in blind.why for blind in found.blind), found.blind
    assert all(blind.place.path == "build.sh" for blind in found.blind)


def test_messages_and_comments_are_not_said(script: Script) -> None:
    found = script('# docker build .\necho "docker build ."\nlog "run docker build first"\n')
    assert (found.builds, found.blind) == ((), ())


def test_endless_calls_end(script: Script) -> None:
    found = script('f() { f "${1}a"; f "${1}b"; docker build x; }\nf a\ndocker build .\n')
    assert any("too deep" in b.why or "steps" in b.why for b in found.blind)
    loops = "".join(f"for a{n} in 1 2 3 4 5 6 7 8; do\n" for n in range(8))
    text = loops + "docker build .\n" + "done\n" * 8
    assert any("steps" in blind.why for blind in script(text).blind)


def test_deep_nesting_is_said(script: Script) -> None:
    for text in (
        "$(" * 600 + "docker build ." + ")" * 600,
        "{ " * 900 + "docker build .; " + "}; " * 900,
    ):
        found = script(f"echo {text}\n" if text[0] == "$" else text)
        assert found.blind


def test_tags_and_pushes_are_found(script: Script) -> None:
    found = script("for s in a b; do docker tag $s r/$s; docker push r/$s; done\n")
    assert [(c.verb, [n.text for n in c.names]) for c in found.images] == [
        ("tag", ["a", "r/a"]), ("push", ["r/a"]), ("tag", ["b", "r/b"]), ("push", ["r/b"]),
    ]  # fmt: skip


def test_the_site_of_a_script(script: Script) -> None:
    (build,) = script("#!/bin/sh\n\n  docker build .\n").builds
    assert str(build.site) == "build.sh:3:3 (shell script build.sh)"
    assert build.site.kind is SiteKind.SHELL


def test_values_that_scripts_assign(script: Script) -> None:
    found = script("export TARGET=a\nTARGET=b docker compose build\nTARGET=$X\n: docker\n")
    assert found.values_of("TARGET") == ("a", "b")
