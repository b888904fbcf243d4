"""What the project's own files say of each other: one version, one list of commands, one set of checks."""

from __future__ import annotations

import re
import tomllib

from console import ROOT, link_targets

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^\.PHONY: (.*)$", MAKEFILE, flags=re.MULTILINE)[0].split()) - {"FORCE"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_version_is_the_same_everywhere() -> None:
    version = PROJECT["project"]["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert headings[0] == version


def test_make_help_lists_every_target() -> None:
    listed = set(re.findall(r'@echo "make ([\w-]+) ', MAKEFILE))
    assert listed == TARGETS - {"help"}


def test_every_make_command_of_a_page_is_a_target() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")]
    mentioned = {
        name for page in pages for name in re.findall(r"(?:`|^ {4})make ([\w-]+)", page.read_text(), re.MULTILINE)
    }
    assert {"demo", "test", "install", "docs"} <= mentioned <= TARGETS


def test_pre_commit_runs_what_make_test_runs_first() -> None:
    hooks = re.findall(r"entry: make (\S+)", (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    (prerequisites,) = re.findall(r"^test: (.*)$", MAKEFILE, flags=re.MULTILINE)
    assert hooks == prerequisites.split()


def test_the_links_of_contributing_and_changelog_lead_somewhere() -> None:
    for name in ("CONTRIBUTING.md", "CHANGELOG.md"):
        targets = link_targets((ROOT / name).read_text(encoding="utf-8"))
        assert targets and not [target for target in targets if not (ROOT / target).exists()]


def test_every_requirement_is_pinned_for_ci() -> None:
    pins = {line.partition("==")[0].lower().replace("_", "-") for line in constraints()}
    groups = [PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"].values()]
    names = {re.match(r"[\w-]+", requirement)[0].lower() for group in groups for requirement in group}
    assert names <= pins


def constraints() -> list[str]:
    lines = (ROOT / ".ci" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]
