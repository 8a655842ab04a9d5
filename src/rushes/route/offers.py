"""All that the catalogues offer, seen alike: generators, readers, text models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rushes.catalogue.licences import Terms, find_terms
from rushes.catalogue.load import find_model, find_reader_entry, model_names, reader_names
from rushes.catalogue.model import Model
from rushes.catalogue.reader import ReaderEntry
from rushes.catalogue.source import Licence, PackageSource
from rushes.catalogue.text import TextEntry, read_text_entry, text_names
from rushes.route.question import Task

Entry = Model | ReaderEntry | TextEntry


@dataclass(frozen=True, slots=True)
class Offer:
    """A model that could be chosen."""

    entry: Entry
    tasks: tuple[Task, ...]

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def title(self) -> str:
        return self.entry.title

    @property
    def licence(self) -> Licence:
        return self.entry.licence

    @property
    def terms(self) -> list[Terms]:
        return find_terms(self.entry.licence)

    @property
    def parameters(self) -> int:
        if isinstance(self.entry, TextEntry):
            return self.entry.parameters
        return sum(part.parameters for part in self.entry.parts)

    @property
    def is_embedded(self) -> bool:
        """Whether it travels in the package: a miniature, to try a pipeline with."""
        return isinstance(self.entry.source, PackageSource)


def list_offers(task: Task) -> list[Offer]:
    """Everything that is there for a task, by name."""
    loaders: dict[Task, Callable[[], list[Offer]]] = {
        "generate": lambda: [Offer(find_model(n), ("generate",)) for n in model_names()],
        "understand": lambda: [
            Offer(find_reader_entry(n), ("understand",)) for n in reader_names()
        ],
    }
    if task in loaders:
        return loaders[task]()
    texts = [read_text_entry(name) for name in text_names()]
    return [Offer(text, tuple(text.tasks)) for text in texts if task in text.tasks]
