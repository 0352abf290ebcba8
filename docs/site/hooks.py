"""What the site takes from outside of this folder, and links between the two.

Pages keep the links that work where they stand in the repository; here they become those of the
site. Called by MkDocs.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

TOP = Path(__file__).parents[2]
PAGES = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "dockerfix/findings.md": "findings.md",
}
"""Pages from elsewhere in the repository, by their names on the site."""
FILES = ("action.yml", "templates/dockerfix.yml")
"""Files that a page links to, for download."""
_LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what lies outside of the folder."""
    for path, name in (*PAGES.items(), *((path, path) for path in FILES)):
        text = (TOP / path).read_text(encoding="utf-8")
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links of the repository into those of the site."""
    names = {name: path for path, name in PAGES.items()}
    here = names.get(page.file.src_uri, f"docs/{page.file.src_uri}")

    def led(found: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(here), found[1]))
        return PAGES.get(path, path.removeprefix("docs/"))

    return _LINK.sub(led, markdown)
