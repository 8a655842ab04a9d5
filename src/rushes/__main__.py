"""`python -m rushes`."""

from rushes.cli.main import run

run()
