"""A process that calls LiteLLM: one JSON document a line in, one a line out.

It runs under the Python of another environment and imports nothing of Rushes. An audit hook lets it
connect only to hosts that a request named, whatever a library would like to reach.
"""

from __future__ import annotations

import base64
import io
import json
import os
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

THREADS = 16
ALLOWED: set[str] = {"localhost"}
"""Hosts, and the addresses that their names had."""
LOCK = threading.Lock()


def guard(event: str, args: tuple[Any, ...]) -> None:
    """Refuse names and addresses that no request named."""
    if event == "socket.getaddrinfo":
        host = args[0]
    elif event in ("socket.connect", "socket.sendto") and isinstance(args[1], tuple):
        host = args[1][0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host is not None and host not in ALLOWED:
        raise PermissionError(f"no request names {host}")


def allow(url: str) -> None:
    """Let the host of an address be reached."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    with LOCK:
        if host in ALLOWED:
            return
        ALLOWED.add(host)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        with LOCK:
            ALLOWED.add(str(found[4][0]))


def run_request(request: dict[str, Any]) -> dict[str, Any]:
    """What a request is answered with."""
    allow(request["url"])
    common = {
        "api_base": request["url"],
        "api_key": request["token"] or "none",
        "timeout": request["seconds"],
        "custom_llm_provider": request["protocol"],
        "num_retries": 0,
        "max_retries": 0,
    }
    return OPERATIONS[request["operation"]](request, common)


def run_chat(request: dict[str, Any], common: dict[str, Any]) -> dict[str, Any]:
    """One answer to messages."""
    import litellm

    said = litellm.completion(
        model=request["model"],
        messages=request["messages"],
        max_tokens=request["max_tokens"],
        stream=False,
        **common,
    )
    choice = said.choices[0]
    usage = getattr(said, "usage", None)
    return {
        "text": choice.message.content,
        "reason": choice.finish_reason,
        "model": said.model,
        "tokens_in": getattr(usage, "prompt_tokens", None),
        "tokens_out": getattr(usage, "completion_tokens", None),
    }


def open_client(seconds: float) -> Any:
    """LiteLLM's client for video, over one that raises on an answer that is an error, which LiteLLM
    would give back as if it were a clip; it follows no redirect and uses no proxy."""
    import httpx
    from litellm.llms.custom_httpx.http_handler import HTTPHandler

    def refuse(response: httpx.Response) -> None:
        if response.status_code >= 300:
            response.read()
            said = " ".join(response.text.split())[:200]
            text = f"it answers {response.status_code}: {said}"
            raise httpx.HTTPStatusError(text, request=response.request, response=response)

    hooks = {"response": [refuse]}
    client = httpx.Client(timeout=seconds, trust_env=False, event_hooks=hooks)
    return HTTPHandler(client=client)


def begin_video(request: dict[str, Any], common: dict[str, Any]) -> dict[str, Any]:
    """A job that makes a clip."""
    import litellm

    more: dict[str, Any] = {}
    if request.get("image"):
        picture = io.BytesIO(base64.b64decode(request["image"]))
        picture.name = "image.png"
        more["input_reference"] = picture
    job = litellm.video_generation(
        prompt=request["prompt"],
        model=request["model"],
        seconds=request["length"],
        size=request["size"],
        client=open_client(request["seconds"]),
        **more,
        **common,
    )
    return {"job": job.id, "status": job.status}


def look_at_video(request: dict[str, Any], common: dict[str, Any]) -> dict[str, Any]:
    """How far a job is."""
    import litellm

    job = litellm.video_status(
        video_id=request["job"], client=open_client(request["seconds"]), **common
    )
    error = getattr(job, "error", None)
    return {
        "status": job.status,
        "progress": getattr(job, "progress", None),
        "error": error,
        "seconds": getattr(job, "seconds", None),
    }


def fetch_video(request: dict[str, Any], common: dict[str, Any]) -> dict[str, Any]:
    """A finished clip, written to the file that is named."""
    import litellm

    data = litellm.video_content(
        video_id=request["job"], client=open_client(request["seconds"]), **common
    )
    with open(request["path"], "wb") as file:
        file.write(data)
    return {"nbytes": len(data)}


OPERATIONS = {
    "chat": run_chat,
    "begin_video": begin_video,
    "look_at_video": look_at_video,
    "fetch_video": fetch_video,
}

NOTHING_SENT = ("ConnectError", "ConnectTimeout", "PermissionError", "PoolTimeout")
NO_STATUS = (
    "ReadTimeout", "ReadError", "RemoteProtocolError", "WriteError", "WriteTimeout", "TimeoutError",
    "JSONDecodeError", "ValidationError", "APIResponseValidationError",
)  # fmt: skip
"""What the provider did is not known: it may have done the work, and take money for it."""


def describe_fault(exc: BaseException) -> dict[str, Any]:
    """What went wrong: ``status`` of the answer, or whether anything was sent at all."""
    chain: list[BaseException] = []
    link: BaseException | None = exc
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    names = [type(found).__name__ for found in chain]
    text = " ".join(str(exc).split())[:300]
    if any(name in NOTHING_SENT for name in names):
        return {"fault": "unreachable", "message": text}
    if any(name in NO_STATUS for name in names) or type(exc).__name__ == "Timeout":
        return {"fault": "unknown", "message": text}
    for found in chain:
        response = getattr(found, "response", None)
        status = getattr(response, "status_code", None)
        if isinstance(status, int) and type(found).__name__.endswith("StatusError"):
            return {"fault": "status", "status": status, "message": text}
    status = getattr(exc, "status_code", None)
    if isinstance(status, int) and type(exc).__name__ != "APIConnectionError":
        return {"fault": "status", "status": status, "message": text}
    return {"fault": "unknown", "message": text}


def handle(line: str, out: Any) -> None:
    """Answer one line; whatever is raised becomes an answer."""
    request = json.loads(line)
    try:
        answer = {"id": request["id"], **run_request(request)}
    except Exception as exc:
        answer = {"id": request["id"], **describe_fault(exc)}
        token = request.get("token")
        if token:
            answer["message"] = answer["message"].replace(token, "***")
    with LOCK:
        out.write(json.dumps(answer) + "\n")
        out.flush()


def main() -> None:
    """Serve until standard input is closed."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.addaudithook(guard)
    import litellm

    litellm.suppress_debug_info = True
    litellm.drop_params = False
    litellm.callbacks = []
    print(json.dumps({"ready": True}), file=out, flush=True)
    with ThreadPoolExecutor(THREADS) as pool:
        for line in sys.stdin:
            pool.submit(handle, line, out)


if __name__ == "__main__":
    main()
