"""Which files a .NET build reads."""

from __future__ import annotations

import pytest

from dockerfix.facts.dotnet import ProjectError, project_files
from dockerfix.text import Snapshot

_WEB = '<Project Sdk="Microsoft.NET.Sdk.Web">{}</Project>'


def _files(files: dict[str, str], *starts: str, top: str = "") -> tuple[str, ...]:
    return project_files(Snapshot.of(files), top, starts or ("web/web.csproj",))


def _reads(inner: str, *others: str) -> set[str]:
    """What a project with these elements reads of the other files, its folder left out."""
    files = {"web/web.csproj": _WEB.format(inner), **dict.fromkeys(others, "<Project />")}
    return set(_files(files)) - {"web"}


def test_references_are_followed() -> None:
    """A project that a referenced one references is read too; others are not."""
    files = {
        "web/web.csproj": _WEB.format(r'<ProjectReference Include="..\core\core.csproj" />'),
        "core/core.csproj": _WEB.format('<ProjectReference Include="../base/base.fsproj" />'),
        "base/base.fsproj": "<Project />",
        "other/other.csproj": "<Project />",
    }
    found = _files(files)
    assert {"web", "core", "base"} <= set(found)
    assert not any(path.startswith("other") for path in found)


def test_settings_above_are_read() -> None:
    """MSBuild, NuGet and the SDK look in every folder above the project, in any case of
    letters."""
    others = ("Directory.Build.props", "NuGet.Config", "global.json", "x/Directory.Build.props")
    found = _reads("", *others, ".config/dotnet-tools.json")
    assert found == {"Directory.Build.props", "NuGet.Config", "global.json"} | {
        ".config/dotnet-tools.json"
    }


@pytest.mark.parametrize(
    ("inner", "read"),
    [
        (r'<Protobuf Include="..\proto\**\*.proto" />', {"proto"}),
        (r"<Rules>$(Unknown)\team.props</Rules>", {"deep/down/team.props"}),
        (r"<Import Project=\"x\" Condition=\"Exists('..\proto\a.proto')\" />", {"proto/a.proto"}),
        (r"<ApplicationIcon>..\proto\a.proto</ApplicationIcon>", {"proto/a.proto"}),
        (r"<DockerfileContext>..\..</DockerfileContext>", set()),
        (r"<Version>8.0.*</Version>", set()),
        (r"<None Include=\"$(MSBuildThisFileDirectory)../proto/a.proto\" />", {"proto/a.proto"}),
    ],
)
def test_every_value_may_name_a_file(inner: str, read: set[str]) -> None:
    """Items, properties and conditions, with properties that are known or not."""
    text = inner.replace('\\"', '"')
    assert _reads(text, "proto/a.proto", "deep/down/team.props") == read


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("all.sln", 'Project("{X}") = "web", "web\\web.csproj", "{Y}"\nEndProject\n'),
        ("all.slnx", '<Solution><Project Path="web/web.csproj" /></Solution>'),
    ],
)
def test_a_solution_names_its_projects(name: str, text: str) -> None:
    """Both forms of a solution."""
    files = {name: text, "web/web.csproj": "<Project />", "other/other.csproj": "<Project />"}
    assert _files(files, name) == (name, "web")


def test_broken_projects_are_an_error() -> None:
    """A project file that is no XML cannot be followed."""
    with pytest.raises(ProjectError, match=r"web/web\.csproj"):
        _files({"web/web.csproj": "<Project"})


@pytest.mark.parametrize(
    "inner",
    [
        '<ProjectReference Include="../site/site.esproj" />',
        '<ProjectReference Include="../plugins/*/*.csproj" />',
        '<ProjectReference Include="../$(Name)/$(Name).csproj" />',
        '<Content Include="../settings/app.$(Configuration).json" />',
        '<Protobuf Include="$(Root)**/*.proto" />',
        '<None Include="$(Root)Unknown.txt" />',
        '<Import Project="../build/*.props" />',
        "<Import Project=\"$([MSBuild]::GetPathOfFileAbove('Common.props'))\" />",
        "<Version>$([System.IO.File]::ReadAllText(../VERSION))</Version>",
        "<Root>$([MSBuild]::NormalizePath('..', 'x'))</Root>",
        '<Target Name="Site"><Exec Command="npm ci" WorkingDirectory="../.." /></Target>',
        '<UsingTask TaskName="X" AssemblyFile="x.dll" />',
        '<PackageReference Include="Microsoft.TypeScript.MSBuild" />',
        '<Protobuf Include="../proto/a.proto" />',
        "<NuspecFile>web.nuspec</NuspecFile>",
    ],
)
def test_what_is_not_followed(inner: str) -> None:
    """Other kinds of projects, patterns and properties in names, functions that look at files,
    commands, and protocols that import others."""
    files = {
        "web/web.csproj": _WEB.format(inner),
        "site/site.esproj": "<Project />",
        "plugins/a/a.csproj": "<Project />",
        "proto/a.proto": 'import public "b.proto";\nimport "google/protobuf/any.proto";\n',
        "proto/b.proto": "",
    }
    with pytest.raises(ProjectError):
        _files(files)


@pytest.mark.parametrize(
    "inner",
    [
        "<Import Project=\"$([MSBuild]::GetPathOfFileAbove('Directory.Build.props', '..'))\" />",
        "<X Condition=\"$([MSBuild]::IsOSPlatform('Linux'))\">$(A.Replace(' ', '_'))</X>",
        "<Year>$([System.DateTime]::UtcNow.Year)</Year>",
        '<PackageReference Include="X.$(Kind)" Version="$(V)" />',
        '<Compile Include="@(Made)" /><None Include="$(Listed)" />',
        '<Import Project="$(Packages)/x/y.props" />',
    ],
)
def test_what_names_no_file_of_its_own(inner: str) -> None:
    """Functions of versions and systems, items that are no files, and lists by a name."""
    assert _reads(inner) == set()


def test_projects_that_are_imported() -> None:
    """A `.proj` that is imported is followed; a library brings those beside it."""
    files = {
        "web/web.csproj": _WEB.format(
            '<Import Project="../build/all.proj" /><Reference><HintPath>../lib/a.dll</HintPath>'
            "</Reference>"
        ),
        "build/all.proj": '<Project><Import Project="version.props" /></Project>',
        "build/version.props": "<Project />",
        "lib/a.dll": "",
        "lib/b.dll": "",
        "version.json": "{}",
    }
    assert set(_files(files)) >= {"build/version.props", "lib", "version.json"}


def test_kinds_of_files_in_capitals() -> None:
    """MSBuild knows a project by its ending in any case of letters."""
    files = {
        "web/web.csproj": _WEB.format('<ProjectReference Include="../core/Core.CSPROJ" />'),
        "core/Core.CSPROJ": "<Project />",
    }
    assert "core" in _files(files)
