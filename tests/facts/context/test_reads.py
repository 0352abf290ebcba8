"""What the commands of a build read of a context that a COPY takes as a whole."""

from __future__ import annotations

import pytest

from dockerfix.facts.context.used import read_of
from dockerfix.facts.repository import Facts
from dockerfix.text import Snapshot

_HEAD = "FROM sdk AS build\nWORKDIR /src\nCOPY . .\n"
_TAIL = "FROM aspnet\nCOPY --from=build /app /app\n"


def _read(middle: str, tail: str = _TAIL, head: str = _HEAD, script: str = "") -> set[str] | None:
    files = {
        "web/web.csproj": "<Project />",
        "web/start.sh": "x",
        "other/other.csproj": "<Project />",
        "other/notes.txt": "x",
        "go.mod": "module m.io/shop\n",
        "cmd/main.go": "package main\n",
        "web/Dockerfile": head + middle + tail,
        "build.sh": script or "docker build -f web/Dockerfile .\n",
    }
    use = read_of(Facts(Snapshot.of(files)), "web/Dockerfile", "", projects=True)
    return set(use.paths) if use is not None else None


@pytest.mark.parametrize(
    "middle",
    [
        "RUN dotnet publish web/web.csproj -o /app\n",
        "RUN dotnet publish web -o /app\n",
        "RUN cd web && dotnet publish\n",
        "RUN (cd web && dotnet restore) && dotnet publish web\n",
        "WORKDIR web\nRUN dotnet publish -c $MODE\n",
        "WORKDIR /src/web\nRUN . /tmp/x && dotnet publish -r $RID /p:Version=$V\n",
        "RUN if [ -n $A ]; then echo a; fi && dotnet build web && rm -rf obj/*\n",
        "FROM build AS publish\nRUN dotnet publish web -o /app\n",
    ],
)
def test_the_projects_that_commands_name(middle: str) -> None:
    """A project, its folder, or the current folder, in the stage or in one that stands on it."""
    assert _read(middle) == {"web"}


@pytest.mark.parametrize(
    "middle",
    [
        "RUN CGO_ENABLED=0 go build -o /app ./cmd\n",
        'RUN go mod download && go build -ldflags "-X a=$V" ./cmd/...\n',
        "WORKDIR cmd\nRUN go install\n",
        "RUN go install m.io/tool@v1 && go build cmd/*.go\n",
    ],
)
def test_the_packages_of_go(middle: str) -> None:
    """A folder, all below one, the current one, and Go files by a pattern."""
    assert _read(middle) == {"cmd", "go.mod"}


@pytest.mark.parametrize(
    "command",
    [
        "test -f other/notes.txt",
        "if [ -f other/notes.txt ]; then echo a; fi",
        "apt-get install -y ./other/notes.txt",
        "curl --cacert=other/notes.txt -fsS https://x",
        "A=file:///src/other/notes.txt",
        "npm install --global /src/other/notes.txt",
    ],
)
def test_files_that_commands_name(command: str) -> None:
    """A file that a word, a test or a variable names counts as read, whatever is done with it."""
    assert _read(f"RUN {command} && go build ./cmd\n") == {"cmd", "go.mod", "other/notes.txt"}


def test_folders_that_commands_enter() -> None:
    """`cd` needs its folder; the modules that `go mod download` loads need their manifests."""
    assert _read("RUN (cd other && echo a) && go build ./cmd\n") == {"cmd", "go.mod", "other"}


def test_projects_are_followed_where_that_is_asked_for() -> None:
    """Tasks of MSBuild may open any file: only who asks for less gets less."""
    files = {
        "web/web.csproj": "<Project />",
        "web/Dockerfile": _HEAD + "RUN dotnet publish web -o /app\n" + _TAIL,
    }
    facts = Facts(Snapshot.of(files))
    assert read_of(facts, "web/Dockerfile", "") is None
    assert read_of(facts, "web/Dockerfile", "", projects=True) is not None


def test_what_turbo_prunes() -> None:
    """The package that is named, below the folder of the copy; installing turbo reads nothing."""
    middle = "RUN corepack enable && npm install -g turbo@$V && turbo prune web --docker\n"
    files = {
        "package.json": '{"workspaces": ["web", "docs"]}',
        "web/package.json": '{"name": "web"}',
        "docs/package.json": '{"name": "docs"}',
        "docs/page.md": "x",
        "web/Dockerfile": _HEAD + middle + "RUN find . -name x -exec rm {} +\n" + _TAIL,
    }
    use = read_of(Facts(Snapshot.of(files)), "web/Dockerfile", "")
    assert use is not None
    assert use.paths == ("docs/package.json", "package.json", "web")


@pytest.mark.parametrize(
    "middle",
    [
        "RUN find . -name x -exec cat {} + && go build ./cmd\n",
        "RUN go build -trimpath ./$PACKAGE\n",
        "RUN for x in a; do go build -v ./$x; done\n",
        "RUN go build ./c*\n",
        "RUN cat < other/notes.txt && go build ./cmd\n",
        "RUN [ -f $FILE ] && go build ./cmd\n",
        "RUN if [ $(cat other/notes.txt) = a ]; then echo a; fi && go build ./cmd\n",
        "RUN case $(cat other/notes.txt) in a) echo a;; esac && go build ./cmd\n",
        "RUN for f in other/*; do echo a; done && go build ./cmd\n",
        "ENV GOFLAGS=-modfile=other.mod\nRUN go build ./cmd\n",
        "RUN GOENV=/tmp/x go build ./cmd\n",
        "RUN go env -w GOFLAGS=-modfile=x && go build ./cmd\n",
        "RUN npm install -g ./$TOOL && go build ./cmd\n",
        "RUN dotnet publish --no-restore $PROJECT/x.csproj\n",
        "RUN dotnet build @other/notes.txt web\n",
        "RUN dotnet publish web -p:Dir=../../other\n",
        "RUN dotnet test web\n",
        "RUN go build $PACKAGE\n",
        "RUN go generate ./... && go build ./cmd\n",
        "RUN go build m.io/shop/cmd\n",
        "RUN go build /elsewhere\n",
        "RUN dotnet publish $PROJECT\n",
        "RUN ./build.sh\n",
        "RUN make publish\n",
        "RUN dotnet publish\n",
        "RUN cat other/* && cp -r . /x && dotnet publish web\n",
        "RUN f() { x; }; dotnet publish web\n",
        "RUN if a; then cd web; fi; dotnet publish\n",
        'RUN ["dotnet", "publish", "web"]\n',
        "RUN --mount=type=bind,target=/m dotnet publish web\n",
        "RUN dotnet build web -p:X=$(./x)\n",
    ],
)
def test_what_cannot_be_known(middle: str) -> None:
    """A variable project, an unknown command, a folder that may be another."""
    assert _read(middle) is None


def test_what_other_stages_take() -> None:
    """A file that a later stage takes is read; everything, or a variable, is not known."""
    build = "RUN dotnet publish web -o /app\n"
    assert _read(build, _TAIL + "COPY --from=build /src/other/*.txt /\n") == {"web", "other"}
    assert _read(build, _TAIL + "COPY --from=build /src/other/notes.txt /\n") == {
        "web",
        "other/notes.txt",
    }
    assert _read(build, _TAIL + "COPY --from=build /src /\n") is None
    assert _read(build, _TAIL + "COPY --from=build / /\n") is None


def test_the_image_itself_holds_everything() -> None:
    """The last stage, or a target that a call site asks for, may be run with all its files."""
    build = "RUN dotnet publish web -o /app\n"
    assert _read(build, "") is None
    assert _read(build, script="docker build -f web/Dockerfile --target build .\n") is None


def test_a_copy_of_folders_is_no_copy_of_everything() -> None:
    """What is copied by name says itself what is used."""
    assert _read("RUN dotnet publish web\n", head="FROM sdk AS build\nCOPY web web\n") is None


def test_a_folder_whose_name_is_a_pattern() -> None:
    """No line of an ignore file lets it through by its name."""
    files = {
        "go.mod": "module m.io/shop\n",
        "my[x]/main.go": "package main\n",
        "web/Dockerfile": _HEAD + "RUN cd 'my[x]' && go build -o /app\n" + _TAIL,
    }
    assert read_of(Facts(Snapshot.of(files)), "web/Dockerfile", "") is None
