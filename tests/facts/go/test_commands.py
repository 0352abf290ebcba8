"""What `go build` says: output, packages, flags, and what is not known."""

from __future__ import annotations

import pytest

from dockerfix.facts.go.commands import GoCall, fetches_modules, only_reads_go, read_go
from dockerfix.syntax.shell import Command, parse_shell
from dockerfix.text import MappedText


def command(text: str) -> Command:
    return next(parse_shell(MappedText.whole(text.encode())).commands())


def call(text: str) -> GoCall:
    found = read_go(command(text))
    assert found is not None
    return found


class TestBuilds:
    def test_output_packages_and_flags_stand_apart(self) -> None:
        found = call('CGO_ENABLED=0 go build -trimpath -tags "a b" -o /out/api ./cmd/api')
        assert found.output == "/out/api"
        assert found.packages == ("./cmd/api",)
        assert found.flags == (("trimpath", ""), ("tags", "a b"))
        assert not found.opaque

    def test_a_value_may_stand_behind_an_equals_sign(self) -> None:
        found = call("go build -o=api -tags=netgo -buildvcs=false .")
        assert (found.output, found.value("tags"), found.value("buildvcs")) == (
            "api", "netgo", "false",
        )  # fmt: skip

    def test_the_last_value_counts(self) -> None:
        assert call("go build -tags a -tags b .").value("tags") == "b"

    def test_variables_stay_as_they_are_written(self) -> None:
        found = call('go build -ldflags "-X main.v=${V}" -o $NAME ./cmd/$NAME')
        assert found.value("ldflags") == "-X main.v=${V}"
        assert (found.output, found.packages, found.opaque) == ("$NAME", ("./cmd/$NAME",), "")

    @pytest.mark.parametrize("text", ["go -C app build -o a .", "go build -C app -o a ."])
    def test_the_folder_may_stand_before_the_verb(self, text: str) -> None:
        assert call(text).folder == "app"

    @pytest.mark.parametrize(
        "text", ["go test ./...", "go", "go run .", "go mod download", "gofmt -w .", "go version"]
    )
    def test_other_commands_build_nothing(self, text: str) -> None:
        assert read_go(command(text)) is None


class TestUnknown:
    @pytest.mark.parametrize(
        "text",
        [
            "go build $FLAGS -o a .",
            "go build -toolexec x -o a .",
            "go build -overlay o.json .",
            "go build -modfile other.mod .",
            "go build -buildmode=c-shared -o a.so .",
            "go build -o a . -v",
        ],
    )
    def test_what_may_do_more_is_opaque(self, text: str) -> None:
        assert call(text).opaque


class TestProgram:
    @pytest.mark.parametrize(
        ("packages", "name"),
        [
            ("./cmd/api", "api"),
            ("./cmd/api/", "api"),
            ("cmd/api/main.go", "main"),
            ("example.org/tool/v2", "tool"),
            (".", ""),
            ("", ""),
            ("./...", ""),
            ("./cmd/a ./cmd/b", ""),
        ],
    )
    def test_it_is_called_like_its_package(self, packages: str, name: str) -> None:
        assert call(f"go build {packages}").program == name


class TestReading:
    @pytest.mark.parametrize("text", ["go env", "go version", "go mod download -x"])
    def test_what_changes_no_file(self, text: str) -> None:
        assert only_reads_go(command(text))

    @pytest.mark.parametrize(
        "text", ["go env -w GOFLAGS=-mod=mod", "go mod tidy", "go generate", "go list -mod=mod ."]
    )
    def test_what_may_change_one(self, text: str) -> None:
        assert not only_reads_go(command(text))

    def test_modules_come_with_a_download_or_a_build(self) -> None:
        assert fetches_modules(iter([command("go mod download")]))
        assert fetches_modules(iter([command("go build .")]))
        assert not fetches_modules(iter([command("go version")]))
