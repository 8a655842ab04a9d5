"""A project whose reader is a server of the tests, and looking at every byte of a store."""

from __future__ import annotations

from pathlib import Path

from tests.readers.loopback import Server


def write_footage(folder: Path, server: Server, policy: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    folder.joinpath("rushes.toml").write_text(f'''
[project]
name = "footage"
[policy]
servers = ["{server.origin}"]
{policy}
[readers.mine]
server = "{server.url}"
served = "its-own"
like = "qwen3-vl-8b"
retries = 0
''')
    return folder


def find_bytes(store: Path, *wanted: bytes) -> list[str]:
    """Files of a store whose bytes hold one of these, or whose names do."""
    found = []
    for path in sorted(store.rglob("*")):
        data = path.read_bytes() if path.is_file() else b""
        found += [f"{path.name}: {w!r}" for w in wanted if w in data or w in bytes(path)]
    return found
