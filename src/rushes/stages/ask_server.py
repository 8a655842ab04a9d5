"""ask_server: sampled frames and one question to the answer of a reader that a server runs.

Frames are sent from a process that never imports torch. What comes back depends on weights that
nobody here can verify: it is kept as what this server said then, and no build reads it.
"""

from __future__ import annotations

import os

from rushes.catalogue.server import ServedReader
from rushes.stages.base import Job, Made, Stage
from rushes.stages.read import ReadParams, answer_job


class ServerParams(ReadParams, frozen=True, kw_only=True):
    """Who is asked what, and where; a token is in none of it."""

    server: ServedReader


def run(job: Job) -> Made:
    """Send the frames with the question."""
    from rushes.readers.openai import open_server

    server: ServedReader = job.params.server
    with open_server(server, os.environ) as reader:
        return answer_job(job, reader)


STAGE = Stage("ask_server", 2, "media", 5, ("httpx2",), ServerParams, run)
"""In no plan of a project: readings make it."""
