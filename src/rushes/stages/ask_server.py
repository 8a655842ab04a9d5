"""ask_server: questions about a clip to the answers of a reader that a server runs.

Frames are sampled and sent from a process that never imports torch. What comes back depends on
weights that nobody here can verify, so that no build has this stage, and nothing of it is stored.
"""

from __future__ import annotations

import os

from rushes.catalogue.server import ServedReader
from rushes.stages.ask import AskParams, answer_questions
from rushes.stages.base import Job, Made, Stage


class ServerParams(AskParams, frozen=True, kw_only=True):
    """Who is asked what, and where; a token is in none of it."""

    server: ServedReader


def run(job: Job) -> Made:
    """Sample the clip once, and send it with every question."""
    from rushes.readers.openai import open_server

    server: ServedReader = job.params.server
    with open_server(server, os.environ) as reader:
        return answer_questions(job, reader, reader.context)


STAGE = Stage("ask_server", 1, "media", 5, ("av", "httpx2"), ServerParams, run)
"""In no plan of a project: only ``rushes ask`` makes one."""
