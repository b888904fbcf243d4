"""Pages of the documentation site that are made from other files, so that nothing is written twice.

README.md, CHANGELOG.md, CONTRIBUTING.md and the glossary of quantities become pages; the reference has a page for each
package that Python code may want to import, with every module that lies in it. The faces of the commands
(`sedscope.cli`, `sedscope.tui`) are left to their `--help`.
"""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from sedscope.analysis.glossary import GLOSSARY

ROOT = Path(__file__).resolve().parent.parent
PAGES = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
PACKAGES = ("sedscope", "recorders")
NOT_IMPORTED = ("sedscope.cli", "sedscope.tui")
LINK = re.compile(r"(?<!!)\[([^]]+)\]\((?!https?:|#)([^)]+)\)")


def on_config(config: MkDocsConfig) -> None:
    """Append the reference to the navigation."""
    assert config.nav is not None
    config.nav.append({"Reference": [{name: _page_of(name)} for name in packages()]})


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=relinked(text)))
    files.append(File.generated(config, "quantities.md", content=quantities()))
    for name in packages():
        files.append(File.generated(config, _page_of(name), content=reference(name)))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Lead links to the project's front page to the site's."""
    return markdown.replace("](../README.md", "](index.md")


def relinked(text: str) -> str:
    """Return a page of the project's root with links that hold within the site.

    A link to a page of the site leads to it; of one to another file of the project only the words stay.
    """

    def link(match: re.Match[str]) -> str:
        words, target = match[1], match[2]
        target = PAGES.get(target, target.removeprefix("docs/") if target.startswith("docs/") else "")
        return f"[{words}]({target})" if target else words

    return LINK.sub(link, text).replace("](docs/", "](")


def quantities() -> str:
    """Return the page that says of every quantity what it is and what it does not show, in the report's words."""
    entries = (f"## {entry.title}\n\n{entry.text}\n\n*{entry.limit}*\n" for entry in GLOSSARY.values())
    return "\n".join(["# Quantities\n", *entries])


def packages() -> list[str]:
    """Return the dotted names of the packages that the reference describes."""
    folders = [path.parent for root in PACKAGES for path in sorted((ROOT / root).rglob("__init__.py"))]
    names = [".".join(folder.relative_to(ROOT).parts) for folder in folders]
    return [name for name in names if not name.startswith(NOT_IMPORTED)]


def reference(package: str) -> str:
    """Return the page of a package: its own docstring, then its modules; of `sedscope` the names that it offers."""
    members = "" if package == "sedscope" else "    options: {members: false}\n"
    folder = ROOT.joinpath(*package.split("."))
    modules = [path.stem for path in sorted(folder.glob("*.py")) if not path.stem.startswith("_")]
    blocks = [f"::: {package}.{module}\n    options: {{heading_level: 2}}\n" for module in modules]
    return "\n".join([f"# {package}\n\n::: {package}\n{members}", *blocks])


def _page_of(package: str) -> str:
    return f"reference/{package}.md"
