"""rushes.toml and the packs it includes, read into the structs of :mod:`rushes.spec.tables`.

Whatever is wrong becomes one :class:`ProjectError` that names the file, the line and the remedy.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import tomllib
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from stat import S_ISREG
from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec
from msgspec import UNSET

from rushes.catalogue.model import NOT_DONE
from rushes.errors import ProjectError
from rushes.spec import tables
from rushes.spec.locate import find_line

PROJECT_FILE = "rushes.toml"
MAX_FILE_BYTES = 32_000_000
T = TypeVar("T", bound=msgspec.Struct)
_EXPECTED = re.compile(r"Expected `(?P<want>[^`]+)`(?:, got `(?P<got>[^`]+)`| (?P<rule>.+?))?$")
_LONG_NUMBER = re.compile(r"[0-9_]{4301}")
_KINDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}


@dataclass(frozen=True, slots=True)
class Source:
    """A TOML file: its name for messages, and its text for line numbers.

    Args:
        packs: by preset, the included file that holds it; an error of that preset is placed there.
    """

    name: str
    text: str
    packs: dict[str, Source] = field(default_factory=dict, compare=False)

    def error(self, message: str, path: tuple[str, ...], hint: str | None = None) -> ProjectError:
        """An error at the key ``path`` of this file."""
        if path[0] == "presets" and (pack := self.packs.get("".join(path[1:2]))) is not None:
            return pack.error(message, path, hint)
        line = find_line(self.text, path)
        place = f"{self.name}:{line}" if line else self.name
        return ProjectError(message, where=place, hint=hint)


def read_source(path: Path, name: str) -> Source:
    """The text of a file.

    Raises:
        ProjectError: the file is missing, not a file, too large, or not UTF-8.
    """
    try:
        stat = path.stat()
        if not S_ISREG(stat.st_mode):
            raise ProjectError(f"{name} cannot be read: it is not a file", where=name)
        if stat.st_size > MAX_FILE_BYTES:
            raise ProjectError(f"{name} is larger than {MAX_FILE_BYTES} bytes", where=name)
        return Source(name, path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError as exc:
        hint = "start a project here with: rushes init" if name == PROJECT_FILE else None
        raise ProjectError(f"there is no {name} in {path.parent}", where=name, hint=hint) from exc
    except UnicodeDecodeError as exc:
        raise ProjectError(f"{name} is not UTF-8 text", where=name) from exc
    except OSError as exc:
        raise ProjectError(f"{name} cannot be read: {exc.strerror}", where=name) from exc


def parse_toml(source: Source) -> dict[str, Any]:
    """The file as nested dictionaries.

    Raises:
        ProjectError: it is not TOML; names the line.
    """
    try:
        return tomllib.loads(source.text)
    except (ValueError, RecursionError) as exc:
        message, line = _explain_toml(exc, source.text)
        raise ProjectError(
            f"not valid TOML: {message}", where=f"{source.name}:{line}", hint="see https://toml.io"
        ) from exc


def _explain_toml(exc: Exception, text: str) -> tuple[str, int]:
    """What tomllib did not like, and the line."""
    if found := re.search(r" \(at line (\d+), column \d+\)$", str(exc)):
        return str(exc)[: found.start()], int(found[1])
    if not isinstance(exc, tomllib.TOMLDecodeError) and (number := _LONG_NUMBER.search(text)):
        return "a number of thousands of digits", text.count("\n", 0, number.start()) + 1
    last = text.rstrip("\n").count("\n") + 1
    if isinstance(exc, RecursionError):
        return "nested too deeply", last
    return str(exc).removesuffix(" (at end of document)"), last


def read_project_file(folder: Path) -> tuple[tables.ProjectFile, Source]:
    """rushes.toml of a folder, with the presets of its packs merged in.

    Raises:
        ProjectError: with file and line.
    """
    source = read_source(folder / PROJECT_FILE, PROJECT_FILE)
    raw = parse_toml(source)
    reject_unknown(raw, tables.ProjectFile, source, ())
    if "project" not in raw:
        raise ProjectError(
            "the table [project] is missing",
            where=source.name,
            hint='start the file with: [project]\nname = "my-clips"',
        )
    include = convert_value(raw.get("include", []), list[str], source, ("include",))
    presets, packs = _read_packs(folder, include, source)
    own = _read_tables(raw, "presets", tables.PresetTable, source)
    for name in own:
        if name in presets:
            raise source.error(f"preset {name!r} is also in an included pack", ("presets", name))
    return (
        tables.ProjectFile(
            project=_read_table(raw, "project", tables.ProjectTable, source),
            include=include,
            defaults=_read_table(raw, "defaults", tables.DefaultsTable, source),
            policy=_read_table(raw, "policy", tables.PolicyTable, source),
            signing=(
                _read_table(raw, "signing", tables.SigningTable, source)
                if "signing" in raw
                else UNSET
            ),
            presets={**presets, **own},
            shots=_read_tables(raw, "shots", tables.ShotTable, source),
            films=_read_tables(raw, "films", tables.FilmTable, source),
            models=_read_tables(raw, "models", tables.ModelTable, source),
            readers=_read_tables(raw, "readers", tables.ReaderTable, source),
            remotes=_read_tables(raw, "remotes", tables.RemoteTable, source),
            texts=_read_tables(raw, "texts", tables.TextTable, source),
        ),
        replace(source, packs=packs),
    )


def _read_packs(
    folder: Path, include: list[str], source: Source
) -> tuple[dict[str, tables.PresetTable], dict[str, Source]]:
    """The presets of all packs, and the pack of each."""
    found: dict[str, tables.PresetTable] = {}
    packs: dict[str, Source] = {}
    for entry in include:
        pack = read_pack(folder, entry, source)
        raw = parse_toml(pack)
        reject_unknown(raw, tables.PackFile, pack, ())
        for name, preset in _read_tables(raw, "presets", tables.PresetTable, pack).items():
            if name in found:
                raise pack.error(f"preset {name!r} is in two packs", ("presets", name))
            found[name], packs[name] = preset, pack
    return found, packs


def read_pack(folder: Path, entry: str, source: Source) -> Source:
    """One ``include`` entry: a path inside the project, or ``package:NAME/FILE.toml``."""
    if entry.startswith("package:"):
        return _read_package_pack(entry, source)
    path = resolve_inside(folder, entry, source, ("include",))
    if not os.path.isfile(path):
        raise source.error(f"there is no file {entry!r} in the project", ("include",))
    return read_source(path, entry)


def _read_package_pack(entry: str, source: Source) -> Source:
    package, _, inner = entry.removeprefix("package:").partition("/")
    parts = inner.split("/")
    if not package or not inner or ".." in parts:
        raise source.error(
            f"{entry!r} does not name a file of a package",
            ("include",),
            'write it as: include = ["package:NAME/FILE.toml"]',
        )
    for folder in _find_package(package, source):
        path = Path(folder, *package.split(".")[1:], *parts)
        with contextlib.suppress(ValueError):  # a NUL in the name
            if path.is_file():
                return read_source(path, entry)
    raise source.error(f"package {package!r} holds no file {inner!r}", ("include",))


def _find_package(package: str, source: Source) -> list[str]:
    """Folders of an installed package; none of its code runs, as an import would have it."""
    try:
        spec = find_spec(package.partition(".")[0])
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.submodule_search_locations is None:
        raise source.error(
            f"no package {package!r} is installed", ("include",), f"pip install {package}"
        )
    return list(spec.submodule_search_locations)


def resolve_inside(folder: Path, entry: str, source: Source, path: tuple[str, ...]) -> Path:
    """A path of the project file, which must stay in the project's folder, links followed.

    Raises:
        ProjectError: it is absolute or leaves the folder.
    """
    root = folder.resolve()
    try:
        target = (root / entry).resolve()
    except (OSError, ValueError, RuntimeError) as exc:
        raise source.error(f"{entry!r} is not a path", path) from exc
    if Path(entry).is_absolute() or not target.is_relative_to(root):
        raise source.error(
            f"{entry!r} leaves the project folder", path, "copy the file into the project"
        )
    return target


def _read_table(raw: dict[str, Any], name: str, kind: type[T], source: Source) -> T:
    return convert_table(raw.get(name, {}), kind, source, (name,))


def _read_tables(raw: dict[str, Any], group: str, kind: type[T], source: Source) -> dict[str, T]:
    entries = raw.get(group, {})
    if not isinstance(entries, dict):
        raise source.error(f"{group} must be a table of tables", (group,))
    found: dict[str, T] = {}
    for name, value in entries.items():
        convert_value(name, tables.Name, source, (group, name), what=f"the name {name!r}")
        found[name] = convert_table(value, kind, source, (group, name))
    return found


def convert_table(value: object, kind: type[T], source: Source, path: tuple[str, ...]) -> T:
    """One table as its struct; unknown keys are refused with a suggestion."""
    try:
        return msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError:
        pass
    if not isinstance(value, dict):
        raise source.error(f"{'.'.join(path)} must be a table", path)
    reject_unknown(value, kind, source, path)
    for info in msgspec.structs.fields(kind):
        if info.encode_name in value:
            convert_value(value[info.encode_name], info.type, source, (*path, info.encode_name))
        elif info.required:
            raise source.error(f"{'.'.join(path)} lacks the key {info.encode_name!r}", path)
    raise AssertionError("a table that fails as a whole fails in one of its keys")


def convert_value(
    value: object, kind: Any, source: Source, path: tuple[str, ...], what: str | None = None
) -> Any:
    """One value as its type."""
    worded = isinstance(value, str) and any(get_origin(o) is Literal for o in get_args(kind))
    if (struct := _struct_of(kind)) is not None and not worded:
        return convert_table(value, struct, source, path)
    if (struct := _struct_of_tables(kind)) is not None and isinstance(value, dict):
        return {
            name: convert_table(entry, struct, source, (*path, name))
            for name, entry in value.items()
        }
    try:
        return msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as exc:
        name = what or ".".join(path)
        message = str(exc).split(" - at ")[0]
        hint = NOT_DONE.get(value) if isinstance(value, str) else None
        raise source.error(f"{name}: {_reword(message, value)}", path, hint) from exc


def _struct_of(kind: Any) -> type[msgspec.Struct] | None:
    for option in getattr(kind, "__args__", (kind,)):
        if isinstance(option, type) and issubclass(option, msgspec.Struct):
            return option
    return None


def _struct_of_tables(kind: Any) -> type[msgspec.Struct] | None:
    """The struct of a table of tables, such as ``gate``."""
    for option in getattr(kind, "__args__", (kind,)):
        if get_origin(option) is dict:
            return _struct_of(get_args(option)[1])
    return None


def _reword(message: str, value: object) -> str:
    found = _EXPECTED.match(message)
    if not found:
        return message[0].lower() + message[1:]
    want = " or ".join(_KINDS.get(w.strip(), w.strip()) for w in found["want"].split("|"))
    want = want.replace(" or UnsetType", "")
    if found["got"]:
        return f"expected {want}, not {_KINDS.get(found['got'], found['got'])}"
    if found["rule"] and ("\\S" in found["rule"] or value == ""):
        return "is empty"
    if found["rule"] and repr(tables.NAME)[1:-1] in found["rule"]:
        return "use lower-case letters, digits, - and _, starting with a letter or digit"
    if found["rule"] and repr(tables.SIZE)[1:-1] in found["rule"]:
        return f'write a size as WIDTHxHEIGHT, for example "64x64", not {_show(value)}'
    return f"expected {want} {found['rule'] or ''}, not {_show(value)}".replace(" ,", ",")


def _show(value: object) -> str:
    if isinstance(value, int) and value.bit_length() > 256:
        return "a number that large"
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def reject_unknown(
    value: dict[str, Any], kind: type[msgspec.Struct], source: Source, path: tuple[str, ...]
) -> None:
    """Refuse the first key that the struct does not know, with the nearest one it does."""
    known = [info.encode_name for info in msgspec.structs.fields(kind)]
    for key in value:
        if key in known:
            continue
        close = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
        hint = f"did you mean {close[0]}?" if close else f"known keys: {', '.join(known)}"
        place = f"[{'.'.join(path)}]" if path else "the file"
        raise source.error(f"unknown key {key!r} in {place}", (*path, key), hint)
