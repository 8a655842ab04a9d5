"""ONNX models on one thread of the CPU: the same input gives the same output to the last digit."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any


@cache
def open_session(path: Path) -> Any:
    """An ``onnxruntime.InferenceSession`` of a model's file, opened once a process."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        str(path), sess_options=options, providers=["CPUExecutionProvider"]
    )
