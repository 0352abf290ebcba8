"""Several builders: who builds what, and what happens when one dies."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from lab.lab import Lab
from msgspec import field
from runner.machine import Machine

from dockerfix.engine.patch import make_patch
from dockerfix.repo.read import read_snapshot
from dockerfix.traces.steps import Failure, Steps
from dockerfix.verify.bake import Wanted
from dockerfix.verify.buildx import Buildx, Job
from dockerfix.verify.errors import BuildFailedError, EngineError
from dockerfix.verify.fleet import Fleet, Share, spread
from dockerfix.verify.images import related
from dockerfix.verify.recipe import Recipe
from dockerfix.verify.side import Side
from dockerfix.verify.watch import Watch, unwatched


class Fake(Buildx, frozen=True):
    """Notes who builds what; builders in `dead` fail and do not answer, `broken` never builds."""

    dead: frozenset[str] = frozenset()
    broken: str = ""
    done: list[tuple[str, str, str]] = field(default_factory=list)
    both: threading.Barrier | None = None

    def bake(self, job: Job, *, watch: Watch = unwatched) -> Steps:
        (image,) = job.images
        if self.both is not None and job.side is Side.BEFORE:
            self.both.wait(60)  # both builders are at work at once, else this breaks
        if self.builder in self.dead or image == self.broken:
            raise BuildFailedError(job.side, job.images, Failure("x", ()))
        self.done.append((self.builder, image, job.side.value))
        return Steps()

    def answers(self) -> bool:
        return self.builder not in self.dead


def share(name: str) -> Share:
    wanted = (Wanted(name, Recipe("", f"{name}.Dockerfile")),)
    return Share(tuple(Job(side, Path(), wanted, side.value) for side in Side))


def test_two_builders_share_the_images_and_each_image_has_one() -> None:
    buildx = Fake(both=threading.Barrier(2))
    Fleet(buildx, ("one", "two")).build([share("a"), share("b")])
    assert sorted(image for _, image, _ in buildx.done) == ["a", "a", "b", "b"]
    owners = {image: {who for who, what, _ in buildx.done if what == image} for image in "ab"}
    assert sorted(owners.values(), key=str) == [{"one"}, {"two"}]
    for image in "ab":
        sides = [side for _, what, side in buildx.done if what == image]
        assert sides == ["before", "after"]


def test_what_a_dead_builder_took_is_built_by_another() -> None:
    buildx = Fake(dead=frozenset({"one"}))
    fleet = Fleet(buildx, ("one", "two"))
    fleet.build([share("a"), share("b"), share("c")])
    assert {who for who, _, _ in buildx.done} == {"two"}
    assert sorted(image for _, image, _ in buildx.done) == [*"aabbcc"]
    fleet.build([share("d")])
    assert set(fleet.lost) <= {"one"}


def test_no_builder_is_left() -> None:
    with pytest.raises(EngineError, match="no builder answers"):
        Fleet(Fake(dead=frozenset({"one", "two"})), ("one", "two")).build([share("a"), share("b")])


def test_a_build_that_fails_is_no_dead_builder() -> None:
    fleet = Fleet(Fake(broken="b"), ("one", "two"))
    with pytest.raises(BuildFailedError) as raised:
        fleet.build([share("a"), share("b")])
    assert (raised.value.images, fleet.lost) == (("b",), [])


def test_images_of_one_file_stay_together() -> None:
    merged = Recipe("", "all.Dockerfile")
    before = {name: Recipe("", f"{name}.Dockerfile") for name in ("a", "b", "c")}
    before["d"] = Recipe("", "d.Dockerfile", contexts=(("base", before["c"]),))
    after = {**before, "a": merged, "b": merged}
    groups = related({Side.BEFORE: before, Side.AFTER: after})
    assert sorted(map(sorted, groups)) == [["a", "b"], ["c", "d"]]


def test_the_lists_are_about_as_long() -> None:
    lists = spread([("a",), ("b", "c", "d"), ("e",), ("f",)], 2)
    assert lists == [("b", "c", "d"), ("a", "e", "f")]
    assert spread([("a", "b")], 2) == [("a", "b")]


CI = "".join(
    f"build / {name}:\n  script:\n"
    f"    - docker buildx build --tag $CI_REGISTRY_IMAGE/{name} --push {name}\n"
    for name in ("one", "two", "three")
)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / ".gitlab-ci.yml").write_text(CI)
    (folder / ".dockerfix.toml").write_text("root = true\n")
    for name in ("one", "two", "three"):
        (folder / name).mkdir()
        text = f'FROM alpine:3.23\nRUN echo {name} > /name\nCMD ["cat", "/name"]\n'
        (folder / name / "Dockerfile").write_text(text)
    return folder


def commented(repository: Path) -> bytes:
    snapshot = read_snapshot(repository)
    names = [f"{name}/Dockerfile" for name in ("one", "two", "three")]
    return make_patch(snapshot, {name: b"# why\n" + snapshot.read(name) for name in names})


@pytest.mark.engine
@pytest.mark.usefixtures("leaves_nothing")
def test_two_daemons_and_one_that_dies(lab: Lab, machine: Machine, repository: Path) -> None:
    patch = commented(repository)
    with lab.cold_builder() as first, lab.cold_builder() as second:
        words = ["verify", "-", "--builder", first.name, "--builder", second.name]
        words += ["--seconds=1"]
        done = machine.dockerfix(*words, cwd=repository, patch=patch)
        assert done.code == 0, done.out + done.err
        for builder in (first, second):
            assert f"building before on {builder.name}: " in done.err
        first.stop()
        done = machine.dockerfix(*words, cwd=repository, patch=patch)
        assert done.code == 0, done.out + done.err
        assert f"builder {first.name} did not answer" in done.out
        second.stop()
        done = machine.dockerfix(*words, cwd=repository, patch=patch)
        assert done.code == 2
        assert "no builder answers any more" in done.err
