"""Debian packages as files: resolved, downloaded and unpacked without being installed.

Knows apt and dpkg-deb. Nothing here touches the machine's own package state: apt gets lists,
status and archives of the lab's own.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.commands import CommandError, NoLabError, run

_MERGED = ("bin", "sbin", "lib", "lib64")


def host_release(os_release: Path = Path("/etc/os-release")) -> str:
    """Codename of this machine's Debian release; raises NoLabError elsewhere."""
    if not os_release.is_file():
        raise NoLabError("the lab is made of Debian packages, and this is another system")
    text = os_release.read_text(encoding="utf-8")
    values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    if values.get("ID", "").strip('"') != "debian":
        name = values.get("PRETTY_NAME", "this system").strip('"')
        raise NoLabError(f"the lab is made of Debian packages, and this is {name}")
    return values["VERSION_CODENAME"].strip('"')


@dataclass(frozen=True, slots=True)
class Release:
    """One Debian release as apt sees it through a folder of its own.

    Fields:
        codename: `bookworm`, `trixie`.
        folder: where lists and downloaded packages are kept.
    """

    codename: str
    folder: Path

    def refresh(self) -> None:
        """Fetch the package lists from where the machine's apt fetches them."""
        for name in ("lists/partial", "debs/partial"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        lines = _sources(self.codename)
        (self.folder / "sources.list").write_text("\n".join(lines) + "\n", encoding="utf-8")
        try:
            run(self._apt("update", "-o", "APT::Update::Error-Mode=any"), timeout=120)
        except CommandError as failure:
            raise NoLabError(f"no package lists for {self.codename}: {failure}") from failure

    def with_dependencies(self, packages: Sequence[str]) -> tuple[str, ...]:
        """Give `packages` and all that they depend on, as if nothing were installed."""
        plan = run(self._apt("install", "--simulate", *packages))
        return tuple(sorted(re.findall(r"^Inst (\S+)", plan, re.MULTILINE)))

    def fetch(self, packages: Iterable[str]) -> dict[str, Path]:
        """Download `packages` alone; gives the file of each."""
        wanted = sorted(set(packages))
        debs = self.folder / "debs"
        run(self._apt("download", *wanted), cwd=debs, timeout=300)
        return {name: next(debs.glob(f"{name}_*.deb")) for name in wanted}

    def version(self, package: str) -> str:
        """Give the version that `fetch` would download."""
        shown = run([*self._apt("show", package, tool="apt-cache"), "--no-all-versions"])
        found = re.search(r"^Version: (\S+)", shown, re.MULTILINE)
        if found is None:
            raise NoLabError(f"Debian {self.codename} has no package {package}")
        return found[1]

    def _apt(self, *words: str, tool: str = "apt-get") -> list[str]:
        folder = self.folder
        options = {
            "Dir::Etc::sourcelist": folder / "sources.list",
            "Dir::Etc::sourceparts": "-",
            "Dir::State::lists": folder / "lists",
            "Dir::State::status": folder / "status",
            "Dir::Cache": folder,
            "Dir::Cache::archives": folder / "debs",
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "root",
            "Acquire::Retries": "2",
        }
        flags = [flag for name, value in options.items() for flag in ("-o", f"{name}={value}")]
        return [tool, *flags, *words]


def _sources(codename: str) -> list[str]:
    """Sources for `codename`, with the addresses that the machine's own apt is set up for."""
    shown = run(
        [
            "apt-get",
            "indextargets",
            "--format",
            "$(REPO_URI) $(RELEASE) $(COMPONENT)",
            "Created-By: Packages",
        ]
    )
    host = host_release()
    lines = []
    for line in dict.fromkeys(shown.splitlines()):
        address, release, component = line.split()
        if component != "main" or release.partition("-")[0] != host:
            continue
        if codename != host and release != host:
            continue  # the plain release is enough of another one
        signed = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
        lines.append(f"deb {signed} {address} {release.replace(host, codename)} main")
    if not lines:
        raise NoLabError(f"apt is not set up for Debian's {host} main: no package can be had")
    return lines


def unpack(debs: Iterable[Path], tree: Path) -> None:
    """Unpack packages into `tree`, where /bin, /sbin, /lib and /lib64 are links into /usr."""
    for name in _MERGED:
        (tree / "usr" / name).mkdir(parents=True, exist_ok=True)
        if not (tree / name).is_symlink():
            (tree / name).symlink_to(f"usr/{name}")
    for deb in debs:
        with subprocess.Popen(
            ["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE
        ) as archive:
            subprocess.run(
                ["tar", "-x", "--keep-directory-symlink", "-C", str(tree)],
                stdin=archive.stdout,
                check=True,
            )
        if archive.returncode != 0:
            raise CommandError(f"{deb.name}: dpkg-deb ended with {archive.returncode}")
    for name in ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/lintian"):
        shutil.rmtree(tree / name, ignore_errors=True)
