"""Where the weights of a model are, of which parts they consist, and under which licence."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Dtype = Literal["float32", "bfloat16", "float16"]
DTYPE_BYTES: dict[Dtype, int] = {"float32": 4, "bfloat16": 2, "float16": 2}


class Licence(Struct, frozen=True, forbid_unknown_fields=True):
    """The licence of the weights, and where that was read.

    Args:
        checked: the day, YYYY-MM-DD.
        read: "text" where the licence itself was read, "second-hand" where only what others say.
        revenue_usd_max: yearly revenue of the whole group, in USD, from which use has to be paid
            for or asked for; None where there is no such limit.
        excluded: countries (ISO 3166 codes, or "EU") in which nothing is licensed.
        also: ids of further licences that parts of the weights are under; a policy has to list all.
        terms: further conditions, a sentence each.
    """

    id: str
    name: str
    url: str
    checked: str
    read: Literal["text", "second-hand"] = "text"
    revenue_usd_max: int | None = None
    excluded: list[str] = []
    also: list[str] = []
    terms: list[str] = []

    @property
    def ids(self) -> list[str]:
        """Its own and those of parts: what a policy has to list."""
        return [self.id, *self.also]


class PackageSource(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="package"
):
    """Weights in an installed package."""

    package: str
    path: str
    revision: str

    @property
    def label(self) -> str:
        """As rushes.lock writes it."""
        return f"package:{self.package}/{self.path}"


class HubSource(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="hub"):
    """Weights in a repository of the hub.

    Args:
        repo: ``owner/name``.
        revision: a branch, tag or commit; rushes.lock holds the commit that it was.
        gated: whether an account has to accept terms first.
        folder: where the model lies in the repository; "" for its root.
        file: one file of it, where the rest is not wanted.
    """

    repo: Annotated[str, Meta(pattern=r"^[\w.-]+/[\w.-]+$")]
    revision: str = "main"
    gated: bool = False
    folder: str = ""
    file: str = ""

    @property
    def label(self) -> str:
        """As rushes.lock writes it."""
        return f"hub:{self.repo}" + (f"/{self.folder}" if self.folder else "")


class FolderSource(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="folder"):
    """Weights that a project brings itself.

    Args:
        path: absolute, of a folder in the hub's layout or a single file.
        said: the path as the project wrote it.
    """

    path: str
    said: str

    @property
    def label(self) -> str:
        """As rushes.lock writes it."""
        return f"folder:{self.said}"

    @property
    def revision(self) -> str:
        """The files' digests speak for it."""
        return "local"


class FilesSource(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="files"):
    """Single files that a project brings for some parts; the rest is a catalogue entry's.

    Args:
        base: where the entry's weights are.
        paths: absolute, by part.
        said: the paths as the project wrote them.
    """

    base: PackageSource | HubSource
    paths: dict[str, str]
    said: list[str]

    @property
    def label(self) -> str:
        """As rushes.lock writes it."""
        return f"files:{','.join(self.said)}+{self.base.label}"

    @property
    def revision(self) -> str:
        """That of the rest; the files' digests speak for themselves."""
        return self.base.revision


class RemoteSource(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="remote"):
    """Weights that somebody else has, and runs."""

    provider: str
    model: str

    @property
    def label(self) -> str:
        """For people; rushes.lock has none of it."""
        return f"remote:{self.provider}/{self.model}"

    @property
    def revision(self) -> str:
        """Nobody here can know."""
        return "unknown"


Source = PackageSource | HubSource | FolderSource | FilesSource | RemoteSource

SINGLE = "single"
"""How a single file is called in its part's folder, before its suffix."""
SINGLE_SUFFIXES = (".safetensors", ".gguf")
SINGLE_CLASSES = frozenset({
    "HunyuanVideoTransformer3DModel", "LTX2VideoTransformer3DModel", "WanTransformer3DModel",
    "WanVACETransformer3DModel",
})  # fmt: skip
"""Classes that diffusers 0.42 reads from one file, in the layout of their authors."""


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """One component of a checkpoint.

    Args:
        folder: in the checkpoint.
        class_name: in diffusers or transformers.
        parameters: counted, buffers not among them.
        dtype: in which it is stored.
        config: its configuration, a file of ``catalogue/configs``; "" where it comes with the
            weights in a package.
        source: where it is, if not beside the others.
    """

    folder: str
    class_name: str
    parameters: int
    dtype: Dtype
    config: str = ""
    source: HubSource | None = None

    @property
    def nbytes(self) -> int:
        """As it lies on the disk."""
        return self.parameters * DTYPE_BYTES[self.dtype]
