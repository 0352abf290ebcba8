from __future__ import annotations

import json
from typing import Any

from dockerfix.verify.bake import Wanted, definition
from dockerfix.verify.recipe import Recipe


def targets(*wanted: Wanted, network: str = "") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(definition(wanted, network))["target"]
    return found


def test_a_recipe_says_what_its_call_site_says() -> None:
    recipe = Recipe(
        context="app",
        dockerfile="docker/app.Dockerfile",
        target="release",
        arguments=(("VERSION", "1"),),
        platforms=("linux/amd64",),
        secrets=("id=npm,src=.npmrc",),
        options=(("labels", "a.b=c=d"), ("add", "x"), ("ssh", "default"), ("network", "host")),
    )
    wanted = Wanted("app", recipe, ("run:app",), cache_from=("type=registry,ref=r/app:cache",))
    assert targets(wanted) == {
        "app": {
            "context": "app",
            "dockerfile": "../docker/app.Dockerfile",
            "target": "release",
            "args": {"VERSION": "1"},
            "platforms": ["linux/amd64"],
            "secret": ["id=npm,src=.npmrc"],
            "labels": {"a.b": "c=d"},
            "add": "x",
            "ssh": ["default"],
            "network": "host",
            "tags": ["run:app"],
            "output": ["type=docker"],
            "cache-from": ["type=registry,ref=r/app:cache"],
        }
    }


def test_the_root_as_context_and_a_network_for_all() -> None:
    recipe = Recipe("", "app/Dockerfile", options=(("network", "none"),))
    found = targets(Wanted("app", recipe), network="host")["app"]
    assert (found["context"], found["dockerfile"]) == (".", "app/Dockerfile")
    assert found["network"] == "host"


def test_dollar_signs_are_text_and_no_template() -> None:
    recipe = Recipe("app", "app/Dockerfile", arguments=(("A", "${B} %{c} $d"),))
    assert targets(Wanted("app", recipe))["app"]["args"] == {"A": "$${B} %%{c} $d"}


def test_an_image_that_others_are_built_from_is_one_target() -> None:
    sdk = Recipe("sdk", "sdk/Dockerfile")
    first = Recipe("a", "a/Dockerfile", contexts=(("sdk", sdk), ("local", "vendor")))
    second = Recipe("b", "b/Dockerfile", contexts=(("registry/sdk:1", sdk),))
    data = json.loads(definition([Wanted("a", first), Wanted("b", second)]))
    assert data["group"]["default"]["targets"] == ["a", "b"]
    assert set(data["target"]) == {"a", "b", "provider-1"}
    assert data["target"]["a"]["contexts"] == {"sdk": "target:provider-1", "local": "vendor"}
    assert data["target"]["b"]["contexts"] == {"registry/sdk:1": "target:provider-1"}
    assert "output" not in data["target"]["provider-1"]
