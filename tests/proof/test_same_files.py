"""The same files at the same places: what the patch may explain, and what it may not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dockerfix.facts.repository import Facts
from dockerfix.proof import check
from dockerfix.proof.context.same_files import SameFiles
from dockerfix.proof.obligation import Image, Verdict
from dockerfix.text import Snapshot

WORKSPACE = {"a.txt": "a", "b/c.txt": "c", "b/d.txt": "d"}


def files(
    before: str,
    after: str,
    *,
    tree: dict[str, str] = WORKSPACE,
    changes: dict[str, str | None] | None = None,
    contexts: tuple[str, str] = ("", ""),
    old: str = "",
    new: str = "",
) -> Verdict:
    """The verdict on one Dockerfile that becomes another, at the root."""
    first = Snapshot.of({**tree, "Dockerfile": before})
    written = {
        path: None if text is None else text.encode() for path, text in (changes or {}).items()
    }
    second = first.with_changes({"Dockerfile": after.encode(), **written})
    owed = SameFiles(Image("Dockerfile", old), Image("Dockerfile", new), *contexts)
    return check(owed, Facts(first), Facts(second))


def failure(verdict: Verdict) -> str:
    assert len(verdict.failures) == 1, verdict.failures
    return verdict.failures[0]


class TestSame:
    def test_other_instructions_that_give_the_same(self) -> None:
        verdict = files(
            "FROM scratch\nWORKDIR /app\nCOPY a.txt b/c.txt ./\nCOPY b/d.txt /app/\n",
            'FROM scratch AS base\nCOPY b/*.txt /app/\nFROM base\nCOPY ["a.txt", "/app/"]\n',
        )
        assert verdict.holds
        assert verdict.differences == ()

    def test_stages_are_paired_by_what_is_copied_from_them(self) -> None:
        verdict = files(
            "FROM x AS one\nCOPY b /src\nRUN make\nFROM y\nCOPY --from=one /out /bin\n",
            "FROM x AS two\nWORKDIR /src\nCOPY b .\nRUN make\nFROM y\nCOPY --from=two /out /bin\n",
        )
        assert verdict.holds

    def test_an_alias_is_the_stage_it_stands_for(self) -> None:
        verdict = files(
            "FROM x AS one\nRUN make\nFROM y\nCOPY --from=one /out /bin\n",
            "FROM x AS one\nRUN make\nFROM one AS two\nFROM y\nCOPY --from=two /out /bin\n",
        )
        assert verdict.holds

    def test_a_source_that_is_made_before_the_build_is_known_by_its_path(self) -> None:
        dockerfile = "FROM x\nCOPY dist/ /srv\nCOPY --parents out/x.js gen/*.js /srv/\n"
        assert files(dockerfile, dockerfile.replace("dist/", "./dist")).holds

    def test_an_edited_file_is_the_same_file(self) -> None:
        dockerfile = "FROM scratch\nCOPY . /app\n"
        assert files(dockerfile, dockerfile, changes={"a.txt": "other"}).differences == ()

    def test_what_the_patch_creates_and_deletes_is_said(self) -> None:
        dockerfile = "FROM scratch\nCOPY . /app\n"
        verdict = files(dockerfile, dockerfile, changes={"a.txt": None, "new": "", "new2": ""})
        assert verdict.holds
        assert verdict.differences == (
            "also copied, since the patch creates it: new, new2",
            "no longer copied, since the patch deletes it: a.txt",
        )


class TestNotSame:
    @pytest.mark.parametrize(
        ("before", "after", "expected"),
        [
            (
                "COPY b/c.txt /x",
                "COPY b/d.txt /x",
                "/x comes from b/d.txt, it came from b/c.txt",
            ),
            ("COPY b /x", "COPY b/c.txt /x/", "/x/d.txt is missing, it came from b/d.txt"),
            ("COPY b/c.txt /x/", "COPY b /x", "/x/d.txt is new, it comes from b/d.txt"),
            ("COPY <<E /x\n1\nE", "COPY <<E /x\n2\nE", "/x comes from the heredoc E"),
            ("COPY dist /x", "COPY dost /x", "/x comes from dost (not in the repository)"),
            ("ADD https://a/f /x", "ADD https://b/f /x", "/x comes from https://b/f"),
            ("COPY --from=i:1 /f /x", "COPY --from=i:2 /f /x", "/x comes from /f of the image i:2"),
            (
                "RUN --mount=target=/c make",
                "RUN --mount=source=b,target=/c make",
                "no RUN mounts at /c what one mounted there",
            ),
        ],
    )
    def test_one_path(self, before: str, after: str, expected: str) -> None:
        verdict = files(f"FROM x\n{before}\n", f"FROM x\n{after}\n")
        assert any(expected in failure for failure in verdict.failures), verdict.failures
        assert all(
            failure.startswith("Dockerfile:1:1: in stage 0, ") for failure in verdict.failures
        )

    def test_deep_in_a_stage_that_is_copied_from(self) -> None:
        text = "FROM x AS one\nCOPY {} /src\nRUN make\nFROM y\nCOPY --from=one /out /bin\n"
        verdict = files(text.format("b"), text.format("--exclude=c.txt b"))
        assert failure(verdict) == (
            "Dockerfile:1:1: in stage one, /src/c.txt is missing, it came from b/c.txt"
        )

    def test_an_ignore_file_that_wakes_up(self) -> None:
        tree = {
            "app/Dockerfile": "",
            "app/nginx.conf": "x",
            "app/.dockerignore": "nginx.conf\n",
        }
        before, after = Image("Dockerfile"), Image("Dockerfile")
        old = Facts(Snapshot.of({**tree, "Dockerfile": "FROM x\nCOPY ./app/nginx.conf /etc/\n"}))
        new = Facts(Snapshot.of({**tree, "Dockerfile": "FROM x\nCOPY nginx.conf /etc/\n"}))
        verdict = check(SameFiles(before, after, "", "app"), old, new)
        assert failure(verdict) == 'Dockerfile:2:1: "/nginx.conf": not found'

    def test_a_missing_target(self) -> None:
        verdict = files("FROM x AS a\n", "FROM x AS b\n", old="a", new="a")
        assert failure(verdict) == "Dockerfile:a: there is no such target"

    def test_a_build_that_failed_before_is_said(self) -> None:
        tree = {**WORKSPACE, ".dockerignore": "a.txt\n"}
        verdict = files("FROM x\nCOPY a.txt /\n", "FROM x\n\nCOPY a.txt /\n", tree=tree)
        assert verdict.holds
        assert verdict.differences == (
            'not compared, since the build failed before: Dockerfile:2:1: "/a.txt": not found',
        )

    def test_many_failures_are_cut(self) -> None:
        tree = {f"f{n}": "" for n in range(40)}
        verdict = files("FROM x\nCOPY f* /x/\n", "FROM x\n", tree=tree)
        assert len(verdict.failures) == 13
        assert verdict.failures[-1] == "and 28 more"


SDK = "FROM node\nWORKDIR /app\nCOPY . .\nRUN npm ci\n"
INLINE = "FROM node\nWORKDIR /sdk\nCOPY ./sdk ./\nRUN npm ci\nWORKDIR /web\nCOPY ./web ./\n"
SLIM = """\
ARG SDK_IMAGE=scratch
FROM ${SDK_IMAGE} AS sdk
FROM node
COPY --from=sdk /app /sdk
WORKDIR /web
COPY . ./
"""
PIPELINE = """\
sdk:
  script:
    - docker build --push --tag $REGISTRY/sdk:$REF sdk
web:
  script:
    - docker build --file web/Dockerfile {}
"""
FILES = {"sdk/index.js": "", "sdk/package.json": "{}", "web/main.js": "", "sdk/Dockerfile": SDK}


class TestSiblings:
    """A sibling that was copied comes in an image that this repository makes."""

    def verdict(
        self,
        call: str = "--build-arg SDK_IMAGE=$REGISTRY/sdk:$REF web",
        slim: str = SLIM,
        ignore: str | None = None,
    ) -> Verdict:
        tree = {**FILES, "web/Dockerfile": INLINE, ".gitlab-ci.yml": PIPELINE.format(".")}
        if ignore is not None:
            tree["sdk/.dockerignore"] = ignore
        before = Snapshot.of(tree)
        after = before.with_changes(
            {
                "web/Dockerfile": slim.encode(),
                ".gitlab-ci.yml": PIPELINE.format(call).encode(),
            }
        )
        image = Image("web/Dockerfile")
        return check(SameFiles(image, image, "", "web"), Facts(before), Facts(after))

    def test_the_same_files_from_the_image(self) -> None:
        verdict = self.verdict()
        assert verdict.holds, verdict.failures
        assert verdict.differences == (
            "/sdk also gets what RUN leaves in /app of sdk/Dockerfile's image",
        )

    def test_by_a_named_context(self) -> None:
        call = "--build-context sdk=docker-image://$REGISTRY/sdk:$REF web"
        assert self.verdict(call).holds
        plain = SLIM.replace("/app /sdk", ". /sdk")
        verdict = self.verdict("--build-context sdk=sdk web", plain)
        assert verdict.holds, verdict.failures
        assert verdict.differences == ()

    def test_what_the_image_lacks(self) -> None:
        verdict = self.verdict(ignore="*.js\n")
        assert failure(verdict) == (
            "web/Dockerfile:3:1: in stage 1, /sdk/index.js is missing, it came from sdk/index.js"
        )

    def test_another_place(self) -> None:
        verdict = self.verdict(slim=SLIM.replace("/app /sdk", "/app /node-sdk"))
        assert any("/sdk/index.js is missing" in failure for failure in verdict.failures)

    def test_a_call_site_that_forgets_the_argument(self) -> None:
        assert failure(self.verdict("web")) == 'web/Dockerfile:4:1: "/app": not found'


CONTEXT = "controlplane"
ALL = "controlplane/Dockerfile.all"
STANDS_FOR = tuple(
    (Image(f"controlplane/{file}", target), Image(ALL, f"{name}-{target}" if target else name))
    for file, name in (
        ("Dockerfile", "server"),
        ("Dockerfile.authz-worker", "authz-worker"),
        ("Dockerfile.synchronizer", "synchronizer"),
    )
    for target in ("development", "release", "")
)
DEVELOPMENT, RELEASE = STANDS_FOR[0], STANDS_FOR[1]


class TestMergeByHand:
    @pytest.mark.parametrize(("old", "new"), STANDS_FOR, ids=str)
    def test_holds(self, before: Facts, after: Facts, old: Image, new: Image) -> None:
        verdict = check(SameFiles(old, new, CONTEXT, CONTEXT), before, after)
        assert verdict.holds, verdict.failures

    @pytest.mark.parametrize(
        ("images", "pair", "expected"),
        [
            (
                DEVELOPMENT,
                (" planner\nCOPY . .\n", " planner\nCOPY server .\n"),
                "in stage planner, /app/Cargo.lock is missing, it came from",
            ),
            (
                DEVELOPMENT,
                ("COPY --from=planner /app/recipe.json", "COPY --from=planner /app/r.json"),
                "/app/recipe.json comes from /app/r.json of stage 1",
            ),
            (
                RELEASE,
                (" base\nCOPY . .\n", " base\nCOPY --exclude=domain . .\n"),
                "/app/domain/Cargo.toml is missing",
            ),
            (
                RELEASE,
                ("release/server /usr/local/bin/server", "release/server /usr/bin/server"),
                "/usr/bin/server is new, it comes from /app/target/release/server",
            ),
        ],
    )
    def test_broken(
        self,
        before: Facts,
        mutated: Callable[..., Facts],
        images: tuple[Image, Image],
        pair: tuple[str, str],
        expected: str,
    ) -> None:
        owed = SameFiles(*images, CONTEXT, CONTEXT)
        verdict = check(owed, before, mutated(ALL, pair))
        assert any(expected in failure for failure in verdict.failures), verdict


class TestLeftBehind:
    """A call site that nobody could follow keeps the context that the Dockerfile had."""

    ACTION = (
        "on: push\njobs:\n  image:\n    runs-on: ubuntu-latest\n    steps:\n"
        "      - uses: example/buildah-build@v2\n"
        "        with: {context: ., containerfiles: FILE}\n"
    )

    def verdict(self, named: str) -> Verdict:
        tree = {
            "web/Dockerfile": "FROM scratch\nCOPY web/a.txt /\n",
            "web/a.txt": "a",
            ".github/workflows/image.yml": self.ACTION.replace("FILE", named),
        }
        first = Snapshot.of(tree)
        second = first.with_changes({"web/Dockerfile": b"FROM scratch\nCOPY a.txt /\n"})
        image = Image("web/Dockerfile", "")
        return check(SameFiles(image, image, "", "web"), Facts(first), Facts(second))

    @pytest.mark.parametrize(
        "named", ["web/Dockerfile", "./web/Dockerfile", "$ROOT/web/Dockerfile"]
    )
    def test_a_build_that_names_it(self, named: str) -> None:
        assert "with the context it had" in failure(self.verdict(named))

    @pytest.mark.parametrize("named", ["old/web/Dockerfile", "web/Dockerfile.dev", "Dockerfile"])
    def test_a_build_that_names_another(self, named: str) -> None:
        assert self.verdict(named).holds


class TestOverruled:
    """A context that somebody may set goes on counting from what they set."""

    def verdict(self, path: str, before: str, after: str) -> Verdict:
        tree = {
            "web/Dockerfile": "FROM scratch\nCOPY web/a.txt /\n",
            "web/a.txt": "a",
            path: before,
        }
        first = Snapshot.of(tree)
        second = first.with_changes(
            {"web/Dockerfile": b"FROM scratch\nCOPY a.txt /\n", path: after.encode()}
        )
        image = Image("web/Dockerfile", "")
        return check(SameFiles(image, image, "", "web"), Facts(first), Facts(second))

    SCRIPTS = (
        ("build.sh", "CTX=${1:-.}\ndocker build -f web/Dockerfile $CTX\n", "$CTX"),
        (
            "scripts/build.sh",
            'R=$(git rev-parse --show-toplevel)\ndocker build -f "$R/web/Dockerfile" "$R"\n',
            '"$R"',
        ),
        ("Makefile", "C ?= .\nweb:\n\tdocker build -f web/Dockerfile $(C)\n", "$(C)"),
    )

    @pytest.mark.parametrize(("path", "text", "word"), SCRIPTS)
    def test_a_variable_is_kept(self, path: str, text: str, word: str) -> None:
        longer = f'{word[:-1]}/web"' if word.endswith('"') else f"{word}/web"
        assert self.verdict(path, text, text.replace(f" {word}\n", f" {longer}\n")).holds

    @pytest.mark.parametrize(("path", "text", "word"), SCRIPTS)
    def test_a_variable_goes(self, path: str, text: str, word: str) -> None:
        new = text.replace(f" {word}\n", " web\n")
        assert "no longer counts from" in failure(self.verdict(path, text, new))
