"""Which images a patch concerns, on small repositories held in memory."""

from __future__ import annotations

from dockerfix.facts.repository import Facts
from dockerfix.text import Snapshot
from dockerfix.verify.concern import Concern, Pair, concern
from dockerfix.verify.recipe import Recipe
from dockerfix.verify.side import Side
from dockerfix.verify.variables import Variables

CI = """\
build / a:
  script:
    - docker buildx build --target dev --tag $CI_REGISTRY_IMAGE/a:$SLUG --push --file app/{a} app
build / b:
  script:
    - docker buildx build --target dev --tag $CI_REGISTRY_IMAGE/b:$SLUG --push --file app/{b} app
build / other:
  script:
    - docker buildx build --tag $CI_REGISTRY_IMAGE/other:$SLUG --push other
"""
FILES = {
    ".gitlab-ci.yml": CI.format(a="Dockerfile.a", b="Dockerfile.b"),
    "app/Dockerfile.a": "FROM scratch AS dev\n",
    "app/Dockerfile.b": "FROM scratch AS dev\n",
    "other/Dockerfile": "FROM scratch\n",
}


def concerned(before: dict[str, str], changes: dict[str, str | None], **variables: str) -> Concern:
    after = {path: text for path, text in {**before, **changes}.items() if text is not None}
    return concern(
        Facts(Snapshot.of(before)),
        Facts(Snapshot.of(after)),
        frozenset(changes),
        Variables(variables),
    )


def names(found: Concern) -> list[str]:
    return [pair.name for pair in found.pairs]


def test_nothing_is_concerned_by_a_patch_of_other_files() -> None:
    found = concerned(FILES, {"README.md": "text"})
    assert found == Concern(orders={Side.BEFORE: (), Side.AFTER: ()})


def test_a_changed_dockerfile_concerns_its_images_alone() -> None:
    found = concerned(FILES, {"app/Dockerfile.a": "FROM scratch AS dev\nUSER 1\n"})
    recipe = Recipe("app", "app/Dockerfile.a", "dev")
    (pair,) = found.pairs
    assert (pair.name, pair.before, pair.after) == ("a (dev)", recipe, recipe)
    assert len(pair.sites) == 1 and "(GitLab job build / a)" in pair.sites[0]


def test_images_are_matched_by_their_tags_when_file_and_target_change() -> None:
    moved = CI.format(a="all --target a-dev", b="all --target b-dev")
    found = concerned(
        FILES,
        {
            ".gitlab-ci.yml": moved.replace("--target dev ", ""),
            "app/all": "FROM scratch AS a-dev\nFROM scratch AS b-dev\n",
            "app/Dockerfile.a": None,
            "app/Dockerfile.b": None,
        },
    )
    assert [(p.before.target, p.after.dockerfile, p.after.target) for p in found.pairs] == [
        ("dev", "app/all", "a-dev"),
        ("dev", "app/all", "b-dev"),
    ]


def test_builds_of_a_bake_call_are_matched_with_the_jobs_that_they_were() -> None:
    bake = 'variable "CI_REGISTRY_IMAGE" { default = "" }\nvariable "SLUG" { default = "" }\n'
    for name in "ab":
        bake += (
            f'target "{name}" {{\n  context = "app"\n  dockerfile = "all"\n'
            f'  target = "{name}-dev"\n'
            f'  tags = ["${{CI_REGISTRY_IMAGE}}/{name}:${{SLUG}}"]\n}}\n'
        )
    bake += 'group "default" { targets = ["a", "b"] }\n'
    ci = "build / all:\n  script:\n    - docker buildx bake --file app/docker-bake.hcl --push\n"
    found = concerned(
        FILES,
        {
            ".gitlab-ci.yml": ci + CI[CI.index("build / other") :],
            "app/docker-bake.hcl": bake,
            "app/all": "FROM scratch AS a-dev\nFROM scratch AS b-dev\n",
        },
    )
    assert [(p.name, p.after.target) for p in found.pairs] == [
        ("a (dev)", "a-dev"),
        ("b (dev)", "b-dev"),
    ]
    assert not found.unmatched and not found.unread


def test_a_tag_that_nobody_builds_any_more_is_lost_and_a_new_one_is_new() -> None:
    ci = FILES[".gitlab-ci.yml"].replace("/b:$SLUG", "/c:$SLUG")
    found = concerned(FILES, {".gitlab-ci.yml": ci})
    assert [(image.side, image.name) for image in found.unmatched] == [
        (Side.BEFORE, "b (dev)"),
        (Side.AFTER, "c (dev)"),
    ]


def test_a_changed_ignore_file_concerns_the_images_of_its_context() -> None:
    assert names(concerned(FILES, {"app/.dockerignore": "x\n"})) == ["a (dev)", "b (dev)"]
    assert names(concerned(FILES, {"app/Dockerfile.b.dockerignore": "x\n"})) == ["b (dev)"]


def test_one_image_that_several_call_sites_ask_for_is_one_pair() -> None:
    compose = (
        "services:\n  a:\n    image: a:${T:-dev}\n    build:\n      context: app\n"
        "      dockerfile: Dockerfile.a\n      target: ${T:-dev}\n"
    )
    files = {**FILES, "docker-compose.yml": compose}
    found = concerned(files, {"app/Dockerfile.a": "FROM scratch AS dev\nUSER 1\n"})
    assert names(found) == ["a (dev)"]
    assert len(found.pairs[0].sites) == 2


def test_arguments_and_labels_are_filled_alike_on_both_sides() -> None:
    ci = FILES[".gitlab-ci.yml"].replace(
        "--file app/Dockerfile.a",
        "--build-arg V=$CI_COMMIT_SHA --label l=${NOTE:-none} --file app/Dockerfile.a",
    )
    files = {**FILES, ".gitlab-ci.yml": ci}
    found = concerned(files, {"app/Dockerfile.a": "FROM scratch AS dev\nUSER 1\n"})
    recipe = found.pairs[0].before
    assert recipe == found.pairs[0].after
    assert recipe.arguments == (("V", "ci-commit-sha"),)
    assert recipe.options == (("labels", "l=none"),)
    assert "CI_COMMIT_SHA" in found.stood_in
    given = concerned(files, {"app/Dockerfile.a": "FROM x AS dev\n"}, CI_COMMIT_SHA="abc")
    assert given.pairs[0].before.arguments == (("V", "abc"),)


def test_a_target_that_only_the_pipeline_knows_is_not_guessed() -> None:
    ci = FILES[".gitlab-ci.yml"].replace(
        "--target dev --tag $CI_REGISTRY_IMAGE/a", "--target $T --tag $CI_REGISTRY_IMAGE/a"
    )
    files = {**FILES, ".gitlab-ci.yml": ci}
    changes: dict[str, str | None] = {"app/Dockerfile.a": "FROM scratch AS dev\nUSER 1\n"}
    found = concerned(files, changes)
    assert not found.pairs
    assert {unread.side for unread in found.unread} == set(Side)
    assert all("T, which has no value" in unread.why and unread.needed for unread in found.unread)
    assert names(concerned(files, changes, T="dev")) == ["a (dev)"]


def test_an_image_of_the_repository_that_another_is_built_from_is_built_too() -> None:
    ci = FILES[".gitlab-ci.yml"].replace(
        "--file app/Dockerfile.a",
        "--build-arg BASE=$CI_REGISTRY_IMAGE/other:$SLUG --file app/Dockerfile.a",
    )
    files = {**FILES, ".gitlab-ci.yml": ci}
    found = concerned(files, {"other/Dockerfile": "FROM scratch\nUSER 1\n"})
    assert names(found) == ["a (dev)", "other"]
    ((name, provider),) = found.pairs[0].after.contexts
    assert name == "ci-registry-image/other:slug"
    assert provider == Recipe("other", "other/Dockerfile")


def test_a_service_context_of_compose_is_the_other_service() -> None:
    compose = (
        "services:\n  sdk:\n    build: other\n  a:\n    build:\n      context: app\n"
        "      dockerfile: Dockerfile.a\n      additional_contexts:\n        sdk: service:sdk\n"
    )
    files = {path: text for path, text in FILES.items() if path != ".gitlab-ci.yml"}
    files["docker-compose.yml"] = compose
    found = concerned(files, {"app/Dockerfile.a": "FROM scratch AS dev\nUSER 1\n"})
    assert found.pairs[0].after.contexts == (("sdk", Recipe("other", "other/Dockerfile")),)


def test_a_secrets_file_counts_from_the_folder_of_the_call() -> None:
    ci = (
        "a:\n  script:\n    - cd app\n    - docker buildx build --tag a"
        " --secret id=npm,src=.npmrc --secret id=env,env=TOKEN --file Dockerfile.a .\n"
    )
    files = {**FILES, ".gitlab-ci.yml": ci}
    found = concerned(files, {"app/Dockerfile.a": "FROM scratch AS dev\nUSER 1\n"})
    assert found.pairs[0].after.secrets == ("id=npm,src=app/.npmrc", "id=env,env=TOKEN")


def test_pairs_give_the_recipe_of_a_side() -> None:
    pair = Pair("x", Recipe("a", "a/b"), Recipe("c", "c/d"))
    assert (pair.recipe(Side.BEFORE).context, pair.recipe(Side.AFTER).context) == ("a", "c")
