"""A reader that a server runs, as a project's ``[readers.NAME]`` describes it."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct

DEFAULT_PORTS = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322}


class ServedReader(Struct, frozen=True):
    """One reader behind an address.

    Args:
        name: the project's.
        like: the reader of the catalogue that it is: its sampling, budget and licence hold.
        url: up to and with the version, as ``http://127.0.0.1:8000/v1``.
        served: what the server calls the model.
        frames: ``images``: a picture each; ``video``: one video of ready frames, as vLLM takes it.
        key_env: the environment variable that holds its token; "" for none.
        context: tokens that it takes, at most; 0 for as many as ``like`` has.
        timeout_seconds: for one answer.
        retries: how often a request is sent again, at most.
    """

    name: str
    like: str
    url: str
    served: str
    frames: Literal["images", "video"] = "images"
    key_env: str = ""
    context: int = 0
    timeout_seconds: float = 300.0
    retries: int = 4

    @property
    def origin(self) -> str:
        """What a policy lists."""
        return find_origin(self.url)


class OwnText(Struct, frozen=True):
    """A text model of the project's own, as ``[texts.NAME]`` describes it.

    Args:
        like: the text model of the catalogue that it is: its context and licence hold.
        path: its folder, in the hub's layout; "" where a server runs it.
        url: as of :class:`ServedReader`; "" where it is run here.
    """

    name: str
    like: str
    path: str = ""
    url: str = ""
    served: str = ""
    key_env: str = ""
    context: int = 0
    timeout_seconds: float = 300.0
    retries: int = 4

    @property
    def origin(self) -> str:
        """What a policy lists."""
        return find_origin(self.url)


def find_origin(url: str) -> str:
    """Scheme, host and port, with the port written out: ``https://a.example:443``.

    Raises:
        ValueError: it is not an address of a server; its text says why, without secrets.
    """
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise ValueError("names and passwords do not belong into an address")
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise ValueError("it is not an address such as http://127.0.0.1:8000")
    if parts.query or parts.fragment:
        raise ValueError("an address ends before ? and #")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or DEFAULT_PORTS[parts.scheme]}"
