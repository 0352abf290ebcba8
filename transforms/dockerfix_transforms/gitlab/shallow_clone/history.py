"""Which commands read Git history: programs judged with their words, never by name alone.

A scan of one commit stays green, so a wrong *no* is silent: every form of a known reader that is
not listed as reading the working tree alone counts as reading history. Knows programs; knows
no jobs.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Sequence

from dockerfix_transforms.gitlab.programs import launched

_TREE_ONLY = frozenset(
    {"add", "am", "apply", "archive", "checkout", "clean", "clone", "commit", "config", "fetch",
     "init", "lfs", "ls-files", "ls-remote", "ls-tree", "maintenance", "mv", "pull", "push",
     "remote", "reset", "restore", "rev-parse", "rm", "stash", "status", "submodule", "switch",
     "update-index", "version", "--version", "write-tree", "hash-object", "check-ignore"}
)  # fmt: skip
"""Verbs of git that do their work on the commit that is checked out."""
ALWAYS = frozenset(
    {"semantic-release", "release-it", "standard-version", "commit-and-tag-version", "git-cliff",
     "gitversion", "dotnet-gitversion", "commitlint", "cz", "danger", "danger-js", "auto",
     "conventional-changelog", "conventional-recommended-bump", "changeset", "changesets",
     "setuptools_scm", "setuptools-scm", "versioningit", "dunamai", "sonar-scanner",
     "sonarscanner", "release-please", "git-chglog", "gitlint", "cog", "goreleaser", "svu",
     "diff-cover", "diff-quality", "release-plz", "ggshield", "bump-my-version",
     "cliff-jumper", "nbgv", "gitleaks-action", "semgrep-agent", "git-secrets", "detect-secrets",
     "sonar-scanner-cli", "chart-testing", "chromatic", "conform", "beachball", "knope",
     "jreleaser", "jreleaser-slim", "convco", "auto-changelog", "conventional-changelog-cli",
     "git-changelog", "git-semver", "uplift", "reviewdog", "bazel-diff", "sonarqube-scanner",
     "@sonar/scan", "dotnet-sonarscanner", "sphinx-multiversion", "mike", "antora",
     "semantic_release", "python-semantic-release", "gitchangelog", "committed", "talisman",
     "git-conventional-commits"}
)  # fmt: skip
"""Programs that read commits or tags, or compare with another branch, whatever their words."""
_VERBS = {
    "cargo": {"release", "smart-release", "workspaces", "ws"},
    "dotnet": {"sonarscanner", "sonarscanner.dll", "gitversion", "nbgv", "minver", "versionize"},
    "rush": {"change", "version", "publish"},
    "sentry-cli": {"set-commits"},
    "@sentry/cli": {"set-commits"},
    "towncrier": {"check"},
    "nx": {"release", "affected"},
}  # fmt: skip
"""Programs with the words that make them do so."""
_WORKING_IMAGES = ("megalinter", "mega-linter-runner", "super-linter")
"""Images whose entry point itself reads commits, whatever the job's script says."""
_TREE_FORMS = {
    "ct": {"version"},
    "noseyparker": {"report", "summarize", "rules", "version", "--git-history=none"},
    "gitleaks": {"dir", "directory", "stdin", "version", "--no-git"},
    "trufflehog": {"filesystem", "docker", "github", "gitlab", "s3", "gcs", "syslog", "--version"},
    "pretty-quick": {"--staged"},
    "lerna": {"run", "bootstrap", "clean", "link", "list", "exec", "init", "info", "create", "add"},
}
"""Readers of history, with the words that make them read files alone."""
_FLAGS = frozenset(
    {"--git-base", "--since", "--from-ref", "--new-from-rev", "--new-from-merge-base", "--against",
     "--baseline-rev", "--baseline-root", "--changed-since", "--changedSince", "--affected",
     "--compare-branch", "--diff-base", "--baseline-commit",
     "--enableGitInfo", "--git-diff-lines", "--git-diff-base", "--git-diff-filter",
     "--compare-with", "--lastCommit", "--changedFilesWithAncestor"}
)  # fmt: skip
"""Flags that name a commit to compare with, whatever the program."""
_VARIABLES = ("CI_MERGE_REQUEST_DIFF_BASE_SHA", "CI_MERGE_REQUEST_TARGET_BRANCH_SHA",
              "CI_COMMIT_BEFORE_SHA")  # fmt: skip
_COMMITS = ("origin/", "HEAD~", "HEAD^", ".git/refs/tags", ".git/packed-refs", *_VARIABLES)
"""What a word says that names another commit than the one that is checked out."""
_INTERPRETERS = frozenset({"python", "python3", "node", "deno", "bun", "ruby", "perl", "php"})
_INLINE = ("setuptools_scm", "versioningit", "dunamai", "git.Repo", "git describe", "git log")
"""What code in a command's word says that reads history."""
_ASKS = frozenset(
    {"blame", "cherry", "describe", "diff", "for-each-ref", "log", "merge-base", "name-rev",
     "rev-list", "shortlog", "show", "tag", "whatchanged"}
)  # fmt: skip
"""Verbs of git that say something of more than one commit."""
_LIBRARIES = (
    "git.Repo", "from git import", "\nimport git\n", "pygit2", "dulwich", "simple-git",
    "simpleGit", "isomorphic-git", "nodegit", "git-rev-sync", "git-describe", "git-log-parser",
    "Rugged::", "git2::", "gix::", "go-git/", "LibGit2Sharp", "org.eclipse.jgit",
    "GitRevisionPlugin", "setuptools_scm", "versioningit", "dunamai", "git-revision-date",
    "git-authors", "git-committers", "enableGitInfo",
    "showLastUpdate", "lastUpdated: true", "sphinx_last_updated_by_git", "sphinx_multiversion",
    "jekyll-last-modified-at", "git-commit-id", "gradle-git-properties", "palantir.git-version",
    '"MinVer"', "Nerdbank.GitVersioning", "GitVersion.MsBuild", '"GitInfo"', "vcs_tag(",
    "git-version-gen", "GetGitRevisionDescription", "git_describe(",
    "gitrev", "githash", "Development.GitRev", "ajoberstar.grgit", "ratchetFrom",
    "uv-dynamic-versioning", "number_of_commits",
    "new-from-rev", "new-from-merge-base", "changelog_from_git_commits", "last_git_tag",
)  # fmt: skip
"""Names of libraries, plugins and settings that read commits or tags of the repository."""
_QUOTED_TOOLS = ("semantic-release", "standard-version", "release-it", "conventional-changelog",
                 "git-cliff", "gitversion", "gitleaks", "commitlint", "trufflehog")  # fmt: skip
_LOOKS_UP = ("which(", "whence(", "find_program(", "find_executable(", "exists(", "LookPath(")
"""Calls that only ask whether git is installed."""
_LISTED = str.maketrans(dict.fromkeys("()`\"'|;&{}[],", " "))
_OWN = ("CI_COMMIT_REF_NAME", "CI_COMMIT_BRANCH", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME")
"""Variables that hold the branch of the job's own commit."""
_PLAIN = frozenset(
    {"-1", "-n", "-n1", "--max-count=1", "-s", "--no-patch", "-q", "--quiet", "--oneline",
     "--no-color", "--no-decorate", "--abbrev-commit", "--no-show-signature", "-z"}
)  # fmt: skip
_FORMS = ("--pretty", "--format", "--date", "--color", "--abbrev=")
_OF_PARENTS = ("%p", "%P", "%d", "%D", "%(describe", "%(decorate", "%S")
"""Flags under which git tells of the commit alone, and parts of a format that tell of more."""
_OWN_REFS = (*_OWN, "CI_COMMIT_SHA", "CI_COMMIT_SHORT_SHA", "CI_COMMIT_TAG")
"""Variables that name the job's own commit, one of them."""
_OF_A_REF = frozenset({"archive", "checkout", "ls-tree", "rev-parse", "switch"})
_NEW_BRANCH = frozenset({"-b", "-B", "-c", "-C", "--orphan", "--create"})
"""Verbs that take a ref, and flags by which they make one. A checkout of files is told from that
of a branch by a dot or a slash."""
_HOME = ("CI_PROJECT_PATH", "CI_PROJECT_URL", "CI_REPOSITORY_URL")
_OPENING = str.maketrans(dict.fromkeys("()`\"'|;&{}[]", " "))


VERSIONERS = ("setuptools_scm", "setuptools-scm", "hatch-vcs", "versioningit", "versioneer",
              "poetry-dynamic-versioning", "setuptools-git-versioning", "dunamai", "flit_scm",
              "pbr", "vergen", "git-version", "shadow-rs", "jgitver", "axion-release",
              "nebula.release", "gradle-git-version", "uv-dynamic-versioning",
              'source = "scm"')  # fmt: skip
"""Names in a package's manifest that say: its version comes from tags."""
MANIFESTS = ("pyproject.toml", "setup.py", "setup.cfg", "Cargo.toml", "build.gradle",
             "build.gradle.kts", "pom.xml", "extensions.xml")  # fmt: skip
_PACKAGERS = frozenset(
    {"python", "python3", "pip", "pip3", "build", "uv", "poetry", "hatch", "pdm", "tox", "nox",
     "cargo", "gradle", "gradlew", "mvn", "mvnw", "twine", "flit", "maturin", "cibuildwheel"}
)  # fmt: skip


def image_reads_history(repository: str) -> str:
    """Why an image reads history without a command of the job; empty when none is known to."""
    name = repository.rpartition("/")[2]
    return f"the image `{name}` scans commits by itself" if name.startswith(_WORKING_IMAGES) else ""


def builds_a_package(words: Sequence[str]) -> bool:
    """Whether a command may build the package in whose folder it runs, or ask its version."""
    names = [posixpath.basename(word) for word in words[:3]]
    module = names[2:] if names[1:2] == ["-m"] else []
    return bool({*names[:1], *module} & _PACKAGERS)


def reads_history(words: Sequence[str], tolerated: bool = False) -> str:
    """Why a command needs more than one commit; empty when it does not. `tolerated` says that
    its failure is caught."""
    given, words = words, launched(words)
    if not words:
        return ""
    if reason := _of_launcher(given):
        return reason
    name, rest = posixpath.basename(words[0]), words[1:]
    name = name.partition("@")[0] if not words[0].startswith("@") else words[0]
    if name == "git":
        return _git(rest, tolerated)
    if name in ("docker", "podman", "nerdctl") and rest[:1] == ("run",):
        return _container(rest[1:])
    if reason := _of_program(name, rest):
        return reason
    if "--" in rest[:-1] and (
        reason := reads_history(rest[list(rest).index("--") + 1 :], tolerated)
    ):
        return reason
    module = next((v for v in _INLINE for word in rest if v in word), "")
    if module:
        return f"`{name}` is given code that uses {module}"
    flag = next((w for w in rest if w.partition("=")[0] in _FLAGS), "")
    if flag:
        return f"`{name} {flag}` compares with another commit"
    named = next((v for v in _VARIABLES for word in given[1:] if v in word), "")
    named = named or next((w for w in given[1:] if any(sign in w for sign in _COMMITS)), "")
    return f"`{name}` is given the commit `{named}`" if named else ""


def _of_program(name: str, rest: Sequence[str]) -> str:
    """Whether a known program reads history with these words."""
    shown = " ".join((name, *rest[:2]))
    if name in ALWAYS or name.startswith(("@commitlint/", "@semantic-release/", "@changesets/")):
        return f"`{name}` reads commits and tags"
    if name in _TREE_FORMS and not set(rest) & _TREE_FORMS[name]:
        return f"`{shown}` reads every commit"
    if name in ("mvn", "mvnw", "gradle", "gradlew") and any("sonar" in word for word in rest):
        return f"`{shown}` asks git who wrote each line"
    verbs = [word for word in rest if not word.startswith(("-", "+"))]
    # `cargo build --profile release` has the word in another place than `cargo release`.
    compares = (
        bool(_VERBS.get(name, set()) & {*(verbs if "sentry" in name else verbs[:1])})
        or (name == "nx" and "affected" in "".join(rest[:1]))
        or (name == "turbo" and any("[" in word or "..." in word for word in rest))
        or (name == "npm" and rest[:2] == ("version", "from-git"))
        or (name == "lint-staged" and any(word.startswith("--diff") for word in rest))
    )
    return f"`{shown}` compares with another commit" if compares else ""


def _of_launcher(words: Sequence[str]) -> str:
    """What a command says to the program that starts others: packages that changed, code, a git
    command of which the last words come on its input."""
    name = posixpath.basename(words[0])
    shown = " ".join((name, *words[1:3]))
    if name == "pnpm" and any("[" in word for word in words):
        return f"`{shown}` compares with another commit"
    if name in _INTERPRETERS:
        asked = next((found for word in words[1:] for found in asked_in_code(word)), "")
        return f"`{name}` is given code that names {asked}" if asked else ""
    if name in ("xargs", "parallel") and "git" in words:
        rest = words[list(words).index("git") + 1 :]
        verb = next(iter(rest[_verb_at(rest) :]), "")
        return "" if verb in _TREE_ONLY else f"`{name} git {verb}` may name any commit"
    return ""


def _git(rest: Sequence[str], tolerated: bool) -> str:
    """Whether a git command looks beyond the commit that is checked out."""
    at = _verb_at(rest)
    verb, words = (rest[at], rest[at + 1 :]) if at < len(rest) else ("", ())
    shown = " ".join(("git", verb, *words[:2])).strip()
    refs = [word for word in words if not word.startswith("-")]
    another = next((w for w in words if "origin/" in w or any(v in w for v in _VARIABLES)), "")
    if another:
        return f"`git {verb}` is given `{another}`, another ref"
    if verb == "submodule" and "foreach" in words:
        inner = " ".join(words[list(words).index("foreach") + 1 :]).split()
        return reads_history([word for word in inner if word != "--recursive"], tolerated)
    if verb == "pull" and len(refs) > 1 and not any(own in r for r in refs[1:] for own in _OWN):
        return f"`{shown}` joins another branch"
    tree_only = verb in _TREE_ONLY and not any("~" in r or "^" in r for r in refs)
    if other := _other_ref(verb, words):
        return f"`{shown}` needs `{other}`, which a shallow clone does not bring"
    if not verb or (tree_only and verb != "push"):
        return ""
    if verb == "push" and refs and not _goes_home(refs):
        return f"`{shown}` sends commits to another repository"
    if verb == "describe" and "--always" in words and tolerated:
        return ""
    if verb in ("log", "show") and _tells_of_head(verb, words):
        return ""
    if verb == "diff" and all(r == "HEAD" for r in _before_paths(words)):
        return ""
    return "" if tree_only else f"`{shown}` reads history"


def _other_ref(verb: str, words: Sequence[str]) -> str:
    """The branch or tag that a command takes beside the commit of the job; empty for none. Only a
    depth of 0 brings others (GitLab Runner fetches the pipeline's own ref otherwise)."""
    if verb not in _OF_A_REF or _NEW_BRANCH & {*words}:
        return ""
    named, skipped = "", False
    for word in words:
        if word == "--":
            break
        if not skipped and not word.startswith("-"):
            named = word
            break
        skipped = word in ("-o", "--output")
    whole = verb in ("checkout", "switch") and ("." in named or "/" in named.partition("$")[0])
    own = named.startswith(("HEAD", "@", "FETCH_HEAD")) or any(own in named for own in _OWN_REFS)
    return "" if own or whole else named


def _tells_of_head(verb: str, words: Sequence[str]) -> bool:
    """Whether `git log` or `git show` tells no more than what the checked out commit itself says:
    its message, its author, its date. A shallow clone does not know the commit's parents, so that
    it is no merge there and adds every file (git-clone, --depth)."""
    if any(word not in ("HEAD", "1") for word in words if not word.startswith("-")):
        return False
    one = {"-1", "-n1", "--max-count=1"} & set(words) or ("-n" in words and "1" in words)
    quiet = {"-s", "--no-patch", "-q", "--quiet"} & set(words)
    flags = [word for word in words if word.startswith("-")]
    return bool(one if verb == "log" else quiet) and all(
        flag in _PLAIN or (flag.startswith(_FORMS) and not any(f in flag for f in _OF_PARENTS))
        for flag in flags
    )


def _goes_home(refs: Sequence[str]) -> bool:
    """Whether a push goes to the repository that was cloned, which has every commit."""
    return "origin" in refs or any(home in ref for ref in refs for home in _HOME)


_GITS = ("git", "GIT", "$GIT", "GIT_EXECUTABLE", "GIT_CMD", "GIT_BIN")
"""Git, and the variables of make, CMake and scripts that hold its name, without their braces."""


def hidden_readers(text: str, seen: Collection[str]) -> Iterator[str]:
    """What a text asks git where no command was read, as `git VERB`: in a test, a default, an
    arithmetic expansion, a heredoc, a variable of make. `seen` are the verbs that were read."""
    for line in text.splitlines():
        if not any(name in line for name in _GITS) or line.lstrip().startswith(("#", "// ", "* ")):
            continue
        words = line.translate(_OPENING).split()
        for at, word in enumerate(words):
            rest = words[at + 1 : at + 9]
            verb = next(iter(rest[_verb_at(rest) :]), "")
            asks = word in _GITS and verb in _ASKS and verb not in seen
            if asks and _git(rest, tolerated=False):
                yield f"git {verb}"


def asked_in_code(text: str) -> Iterator[str]:
    """What a program's text asks git, in any language: commands in its strings, lists of words
    with git at their head, libraries that read a repository, tools and settings that do."""
    if any(name in text for name in _GITS):
        yield from (f"`{asked}`" for asked in hidden_readers(text, ()))
        yield from _in_lists(text)
    for library in _LIBRARIES:
        if library in text:
            yield f"`{library}`"
    for tool in _QUOTED_TOOLS:
        if f'"{tool}"' in text or f"'{tool}'" in text or f"`{tool} " in text:
            yield f"`{tool}`"


def _in_lists(text: str) -> Iterator[str]:
    """`["git", "describe"]`, `Command::new("git").arg("describe")`, `commandLine 'git', 'log'` and
    `run_command(git, 'describe')`; words that are computed may be any."""
    for literal in ('"git"', "'git'", "(git,"):
        at = -1
        while (at := text.find(literal, at + 1)) >= 0:
            before, after = text[max(0, at - 40) : at].rstrip(), text[at + len(literal) :]
            listed = literal == "(git," or after.startswith((', "', ", '"))
            opened = before.endswith(("(", "[", "{", "vec!["))
            if (listed or opened) and not before.endswith(_LOOKS_UP):
                yield from _arguments(after[:300])


def _arguments(after: str) -> Iterator[str]:
    """What stands behind `"git"` in a list or call, if it asks for history or is not written."""
    after = " ".join(after.split())
    words = [word for word in after.translate(_LISTED).split() if not word.startswith(".")]
    words = words[_verb_at(words) :][:8]
    verb = words[0] if words else ""
    if verb in _ASKS or verb in _TREE_ONLY:
        yield from [f"`git {verb}`"] if _git(words, tolerated=False) else []
    elif after[:1] in (",", ")", "]") and not after.startswith((', "', ", '")):
        yield "`git` with words that are not written there"


def _verb_at(words: Sequence[str]) -> int:
    """Where the verb of a git command stands, behind git's own flags."""
    at = 0
    while at < len(words) and words[at].startswith("-") and words[at] != "--version":
        at += 2 if words[at] in ("-C", "-c", "--git-dir", "--work-tree") else 1
    return at


def _before_paths(words: Sequence[str]) -> list[str]:
    """The words of `git diff` that are no flags, up to `--`."""
    end = list(words).index("--") if "--" in words else len(words)
    return [word for word in words[:end] if not word.startswith("-")]


def _container(rest: Sequence[str]) -> str:
    """`docker run ... IMAGE WORDS` with an image that is named after a reader."""
    for at, word in enumerate(rest):
        name = posixpath.basename(word).partition(":")[0]
        if not word.startswith("-") and (name in ALWAYS or name in _TREE_FORMS or name == "git"):
            return reads_history((name, *rest[at + 1 :]))
    return ""
