"""The manual as a site: it builds without a warning, and every link in it leads somewhere."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

TOP = Path(__file__).parents[2]


class Links(HTMLParser):
    """What a page links to and loads, and the places in it that can be linked to."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.places: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.places |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag in ("img", "script") and "src" in found:
            self.loads.append(found["src"])
        elif tag == "link" and found.get("rel") in ("stylesheet", "icon"):
            self.loads.append(found["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    config = TOP / "docs" / "site" / "mkdocs.yml"
    words = ["build", "--strict", "--quiet", "--config-file", str(config), "--site-dir"]
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", *words, str(folder)], capture_output=True, text=True,
        env={"PATH": "/usr/bin:/bin", "NO_MKDOCS_2_WARNING": "1"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def read(path: Path) -> Links:
    found = Links()
    found.feed(path.read_text(encoding="utf-8"))
    return found


def dead(site: Path) -> Iterator[str]:
    pages = {path: read(path) for path in site.rglob("*.html") if path.name != "404.html"}
    for path, page in pages.items():
        for link in (*page.links, *page.loads):
            parts = urlsplit(link)
            if parts.scheme:
                continue
            to = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            to = to / "index.html" if to.is_dir() else to
            if not to.is_file():
                yield f"{path.relative_to(site)}: {link}"
            elif parts.fragment and to in pages:
                known = pages[to].places
                if unquote(parts.fragment) not in known:
                    yield f"{path.relative_to(site)}: {link}"


def test_every_link_leads_somewhere(site: Path) -> None:
    assert [*dead(site)] == []


def test_every_page_of_the_manual_is_there_and_nothing_is_fetched(site: Path) -> None:
    for page in (TOP / "docs").glob("*.md"):
        text = (site / page.stem / "index.html").read_text(encoding="utf-8")
        assert "</h1>" in text, page.name
    start = read(site / "index.html")
    assert start.loads
    assert [load for load in start.loads if urlsplit(load).scheme] == []
    assert len(start.links) > 50
