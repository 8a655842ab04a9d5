"""Where checkpoints lie, and how they come there. Nothing else in Rushes downloads."""

from __future__ import annotations

from rushes.hub.find import find_checkpoint, list_files, locate_file, pin_model

__all__ = ["find_checkpoint", "list_files", "locate_file", "pin_model"]
