"""Which GitLab jobs provably read no file of the repository, so that nothing need be cloned.

A job without a tree fails, or does something else, when a command looks for one file. So every
command must be in the table, with words that name no file. Knows commands and keys of jobs;
writes nothing.
"""

from __future__ import annotations

import posixpath

from dockerfix.api import (
    CommandReader,
    Commands,
    Facts,
    Job,
    MappedText,
    Opaque,
    Pipeline,
    Ran,
    Snapshot,
    parse_shell,
    plain,
)

_PLAIN = frozenset({"echo", "printf", "true", "false", ":", "sleep", "export", "set", "date",
                    "exit", "return", "shift", "local", "unset", "apk", "apt-get", "apt",
                    "curl", "crane", "skopeo", "regctl", "cosign"})  # fmt: skip
"""Programs that read no file but one that their words name."""
_VERBS = {
    "docker": ({"login"}, {"logout"}, {"pull"}, {"tag"}, {"push"}, {"info"}, {"version"},
               {"images"}, {"rmi"}, {"manifest"}, {"buildx", "imagetools"}),
    "kubectl": ({"set"}, {"rollout"}, {"scale"}, {"get"}, {"wait"}, {"annotate"}, {"label"}),
    "aws": ({"ecr"}, {"ecs"}, {"sts"}, {"eks", "update-kubeconfig"}),
    "gcloud": ({"auth"}, {"config"}, {"run", "services"}, {"container", "clusters"}),
    "npm": ({"dist-tag"},),
}  # fmt: skip
"""Programs with the first words for which they read no such file either."""
_FILTERS = {"jq": 1, "grep": 1, "sed": 1, "awk": 1, "tr": 2, "cut": 0, "head": 0, "tail": 0,
            "sort": 0, "uniq": 0, "wc": 0, "base64": 0, "cat": 0}  # fmt: skip
"""Filters of standard input, with the words besides flags that are no file."""
_GIVES_FILE = frozenset(
    {"-f", "--filename", "-F", "--form", "-T", "--upload-file", "-K", "--config", "-k",
     "--kustomize", "--kubeconfig", "--cacert", "--cert", "--key", "--authfile", "-n",
     "--allow-untrusted", "--netrc-file", "--cli-input-json", "--cli-input-yaml", "--slurpfile",
     "--rawfile", "--from-file"}
)  # fmt: skip
"""Flags behind which a file may stand."""
_READS = ("<", "`", ":-$(", "[[ -", "[ -", "test -", "CI_PROJECT_DIR", "CI_BUILDS_DIR", "$PWD",
          "${PWD}", "file://", "fileb://", "GIT_")  # fmt: skip
"""What in a script's text may read or name a file where no command was read."""
_ENTERS = frozenset({"cd", "pushd", "popd"})
_KEYS = ("artifacts", "cache", "release", "pages", "trigger", "run", "hooks", "inherit", "secrets")
"""Keys with which a job may use its tree outside of its script."""


def treeless_jobs(facts: Facts, pipeline: Pipeline) -> list[Job]:
    """The jobs for which nothing need be cloned. One that says itself how it is cloned is left
    alone, and so is one that another job extends, since that would lose its tree too."""
    reader = CommandReader(facts.snapshot, pipeline)
    extended = {parent.text for job in pipeline.jobs.values() for parent in job.extends}
    return [
        job
        for job in pipeline.visible
        if job.name not in extended
        and "GIT_STRATEGY" not in {**pipeline.variables_of(job), **job.rule_variables}
        and not _names_folder(pipeline, job)
        and not pipeline.unknown_parents(job)
        and reads_no_file(facts.snapshot, job, reader.of(job))
    ]


def _names_folder(pipeline: Pipeline, job: Job) -> bool:
    """Whether a variable or a service of a job names the folder of the tree."""
    texts = [scalar.text for scalar in pipeline.variables_of(job).values()]
    texts += [str(plain(job.keys.get("services")))]
    return any(sign in text for text in texts for sign in ("CI_PROJECT_DIR", "CI_BUILDS_DIR"))


def reads_no_file(snapshot: Snapshot, job: Job, commands: Commands) -> bool:
    """Whether every command of a job does its work without a file of the repository."""
    if job.keys.keys() & {*_KEYS} or job.name == "pages" or "script" not in job.keys:
        return False
    if commands.unfollowed or commands.compose or not commands.ran:
        return False
    entry = (job.image.entrypoint if job.image is not None else None) or ()
    own = {line.scalar.text for line in job.lines}
    if any("/" in word and not word.startswith("/") for word in entry):
        return False
    if reads_in_text(commands) or any(text not in own for _, text in commands.texts):
        return False
    return all(takes_no_file(ran) and not names_file(snapshot, ran) for ran in commands.ran)


def reads_in_text(commands: Commands) -> bool:
    """Whether a script's text may read or name a file, or enter a folder, where no command was
    read: in a loop, a test, an array."""
    texts = [text for _, text in commands.texts]
    return any(sign in text for text in texts for sign in _READS) or any(map(_looks, texts))


def _looks(text: str) -> bool:
    """Whether a text enters a folder, holds a pattern of files, or runs a command in a place of
    which the tree of the shell knows nothing, such as a test."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    if any(_is_pattern(word) for line in lines for word in line.split()):
        return True
    script = parse_shell(MappedText.whole(text.encode()))
    known = sum(isinstance(part, Opaque) and bool(part.body) for part in script.parts())
    if text.count("$(") - text.count("$((") > known:
        return True
    return any(command.name in _ENTERS for command in script.every_command())


def _is_pattern(word: str) -> bool:
    """Whether a word of a text may be a pattern of files; `*)` is a branch of `case`."""
    brackets = "[" in word and word.strip("[]") and "${" not in word
    return ("*" in word and word != "*)") or ("?" in word and "$?" not in word) or bool(brackets)


def takes_no_file(ran: Ran) -> bool:
    """Whether a command is in a table of those that read no file but one that they are given."""
    rest = [word for word in ran.words[1:] if not word.startswith("-")]
    if ran.name in _FILTERS:
        return len(rest) <= _FILTERS[ran.name]
    heads = _VERBS.get(ran.name, ())
    return ran.name in _PLAIN or any({*rest[: len(head)]} == head for head in heads)


def names_file(snapshot: Snapshot, ran: Ran) -> bool:
    """Whether a word of a command is a file, a pattern of files, or follows a flag that takes
    one. What `echo` says is no file, unless it is a pattern."""
    if any(char in word for word in ran.words for char in "*?["):
        return True
    if ran.name in ("echo", "printf", "export"):
        return False
    flags = {word.partition("=")[0] for word in ran.words[1:]}
    if flags & _GIVES_FILE or any("@" in word[:1] or "=@" in word for word in ran.words):
        return True
    beside = (".", "/") if ran.name not in _FILTERS else ("./", "../", "/")
    return any(posixpath.normpath(w) in snapshot or w.startswith(beside) for w in ran.words[1:])
