"""A check of one's own: a Python file of the project, named by its path in ``checks = [...]``."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path
from typing import cast

from rushes.checks.base import Check
from rushes.errors import UsageError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
HINT = "define CHECK, an object with name, version, about and judge(info, expect)"


def is_own(name: str) -> bool:
    """Whether an entry of ``checks`` is the path of a file, not a name."""
    return name.endswith(".py")


def read_names(path: Path) -> frozenset[str]:
    """Words that a check's file has as text, of which its CHECK's name is one. The file is read,
    not run; what cannot be read says none."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return frozenset(text for text in texts if isinstance(text, str) and NAME.fullmatch(text))


def load_own(path: Path) -> Check:
    """Run a check's file and take its ``CHECK``, an object or a class.

    Raises:
        UsageError: no such file, it fails when it is run, or there is no check in it.
    """
    where = str(path)
    spec = importlib.util.spec_from_file_location(f"rushes_own_check_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise UsageError(f"there is no check file {path}", where=where, hint=HINT)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        found = module.CHECK
        check = found() if isinstance(found, type) else found
    except AttributeError as exc:
        raise UsageError(
            f"the check file {path} has no CHECK: {exc}", where=where, hint=HINT
        ) from exc
    except Exception as exc:
        message = f"the check file {path} cannot be loaded: {type(exc).__name__}: {exc}"
        raise UsageError(message, where=where, hint=HINT) from exc
    if not isinstance(getattr(check, "name", None), str) or not callable(
        getattr(check, "judge", None)
    ):
        raise UsageError(f"the CHECK of {path} is not a check", where=where, hint=HINT)
    return cast(Check, check)
