"""The documentation's pages and the fenced blocks in them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("training/**/*.md")]
    if path.stat().st_size
)
_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block; ``info`` is what stands behind the fence."""

    page: Path
    line: int
    info: str
    text: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def read_blocks(page: Path, *kinds: str) -> Iterator[Block]:
    """The page's blocks whose info is one of the kinds."""
    text = page.read_text("utf-8")
    for found in _FENCE.finditer(text):
        info = found["info"].strip()
        if info in kinds:
            yield Block(page, text.count("\n", 0, found.start()) + 1, info, found["text"])


def all_blocks(*kinds: str) -> list[Block]:
    return [block for page in PAGES for block in read_blocks(page, *kinds)]
