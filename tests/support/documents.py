"""README.md, CHANGELOG.md and docs/ as the tests read them: code blocks, tables, prose."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CHANGELOG", "DOCS", "README", "ROOT", "Document", "documents", "rows"]

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Document:
    """One page."""

    name: str
    text: str

    def __repr__(self) -> str:  # names the test
        return self.name

    def blocks(self, language: str) -> list[str]:
        """Code blocks of a language, without the indent of a list around them."""
        found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", self.text, flags=re.MULTILINE | re.DOTALL)
        return [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]

    def section(self, title: str) -> str:
        """Text below a heading of the second level."""
        return self.text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]

    @property
    def prose(self) -> str:
        """The text without code, comments and the targets of links."""
        text = re.sub(r"^ *```.*?^ *```$", "", self.text, flags=re.MULTILINE | re.DOTALL)
        text = re.sub(r"`[^`]*`|\]\([^)]*\)|https?://\S+", " ", text)
        return re.sub(r"^%.*$", "", text, flags=re.MULTILINE)


def _read(file: Path) -> Document:
    return Document(str(file.relative_to(ROOT)), file.read_text(encoding="utf-8"))


def documents() -> list[Document]:
    """The README, the changelog and every page of the documentation."""
    return [README, CHANGELOG, *DOCS.values()]


README = _read(ROOT / "README.md")
CHANGELOG = _read(ROOT / "CHANGELOG.md")
DOCS = {file.stem: _read(file) for file in sorted((ROOT / "docs").glob("*.md"))}


def rows(text: str) -> list[list[str]]:
    """Cells of the tables in a text, without the header rows."""
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line[:1] == "|"]
    rules = [index for index, row in enumerate(cells) if set("".join(row)) <= set("-:| ")]
    heads = {index - 1 for index in rules}
    return [row for index, row in enumerate(cells) if index not in heads and index not in rules]
