"""``transformers serve`` in a process of its own, on loopback.

transformers has no processor of a Qwen3-VL without torchvision, which is not installed beside the
tests' torch. Then this module is run in the place of the command: it is all of ``transformers
serve`` but for how a processor is loaded, here the class's own of pictures alone, over PIL. Where
torchvision is (``RUSHES_SERVE`` names another ``transformers`` command), the command itself is run.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 300


def load_processor(self: Any, name: str, **_: Any) -> Any:
    """A Qwen3-VL's processor without its videos."""
    from transformers import AutoTokenizer, Qwen3VLProcessor
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    class Pictures(Qwen3VLProcessor):
        @classmethod
        def get_attributes(cls) -> list[str]:
            return ["image_processor", "tokenizer"]

        def __init__(self, image_processor: Any, tokenizer: Any) -> None:
            super().__init__(image_processor, tokenizer, chat_template=tokenizer.chat_template)

        def check_argument_for_proper_class(self, *_: Any) -> None:
            """A processor without videos is not a whole one."""

    folder = name.split("@", 1)[0]
    pictures = Qwen2VLImageProcessorPil.from_pretrained(folder)
    return Pictures(pictures, AutoTokenizer.from_pretrained(folder))


def find_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@dataclass
class Served:
    """A server that runs."""

    port: int
    log: Path
    process: subprocess.Popen[bytes]

    def count_answers(self) -> int:
        return self.log.read_text("utf-8", "replace").count('/chat/completions HTTP/1.1" 200')

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def start_serve(folder: Path, port: int, log: Path) -> Served:
    """Start it, and wait until it answers."""
    command = os.environ.get("RUSHES_SERVE", "")
    head = [command, "serve"] if command else [sys.executable, "-m", "tests.readers.serving"]
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*head, str(folder), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"],
            stdout=out, stderr=out, env=env, cwd=ROOT,
        )  # fmt: skip
    served = Served(port, log, process)
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text("utf-8", "replace")[-3000:]
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return served
    served.kill()
    raise AssertionError(log.read_text("utf-8", "replace")[-3000:])


if __name__ == "__main__":
    from transformers.cli.serving.model_manager import ModelManager
    from transformers.cli.transformers import main

    ModelManager._load_processor = load_processor
    sys.argv = ["transformers", "serve", *sys.argv[1:]]
    main()
