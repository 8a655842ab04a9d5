"""Loudness by FFmpeg's own meter: EBU R 128, that is ITU-R BS.1770 with gates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from av import AudioFrame
from av.filter import Graph
from numpy.typing import NDArray

from rushes.media.opening import map_errors

SILENT_LUFS = -70.0
"""The meter's absolute gate: what is quieter is not measured."""


@dataclass(frozen=True, slots=True)
class Loudness:
    """``integrated`` in LUFS, ``span`` (loudness range) in LU, ``peak`` (true peak) in dBTP."""

    integrated: float
    span: float
    peak: float


class LoudnessMeter:
    """Fed with blocks of sound in order; its memory does not grow."""

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._format = (0, 0)
        self._last = Loudness(SILENT_LUFS, 0.0, -120.0)
        self._samples = 0

    def hear(self, samples: NDArray[np.float32], rate: int) -> None:
        """``samples``: (n, channels) float32, full scale ±1.

        What comes at another rate or with other channels than the first block is left out: a file
        that changes them midway has no one loudness.
        """
        channels = samples.shape[1] if samples.ndim == 2 else 0
        if not len(samples) or not channels or rate <= 0:
            return
        if self._graph is None:
            self._format = (rate, channels)
        if self._format != (rate, channels):
            return
        packed = np.ascontiguousarray(np.nan_to_num(samples).reshape(1, -1), dtype=np.float32)
        with map_errors("cannot measure the loudness of", "the sound"):
            frame = AudioFrame.from_ndarray(packed, format="flt", layout=_layout(channels))
            frame.sample_rate, frame.pts = rate, self._samples
            if self._graph is None:
                self._graph = _make_graph(frame)
            self._graph.push(frame)
        self._samples += len(samples)
        self._pull()

    def finish(self) -> Loudness:
        """What was measured of everything heard."""
        if self._graph is not None:
            with map_errors("cannot measure the loudness of", "the sound"):
                self._graph.push(None)
            self._pull()
        return self._last

    def _pull(self) -> None:
        assert self._graph is not None
        while True:
            try:
                frame = self._graph.pull()
            except (BlockingIOError, EOFError):
                return
            self._last = _read_metadata(frame.metadata, self._last)


def _layout(channels: int) -> str:
    return {1: "mono", 2: "stereo"}.get(channels, f"{channels}c")


def _make_graph(frame: AudioFrame) -> Graph:
    graph = Graph()
    source = graph.add_abuffer(
        sample_rate=frame.sample_rate, format=frame.format.name, layout=frame.layout.name,
        time_base=None,
    )  # fmt: skip
    meter = graph.add("ebur128", "metadata=1:peak=true")
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    return graph


def _read_metadata(metadata: dict[str, str], last: Loudness) -> Loudness:
    """The meter writes what it knows so far on every tenth of a second."""
    integrated = _number(metadata.get("lavfi.r128.I"), last.integrated)
    span = _number(metadata.get("lavfi.r128.LRA"), last.span)
    peaks = [value for key, value in metadata.items() if key.startswith("lavfi.r128.true_peaks_ch")]
    peak = last.peak
    for text in peaks:
        level = _number(text, 0.0)
        peak = max(peak, 20 * float(np.log10(level)) if level > 1e-6 else -120.0)
    return Loudness(integrated, span, peak)


def _number(text: str | None, otherwise: float) -> float:
    try:
        value = float(text) if text is not None else otherwise
    except ValueError:
        return otherwise
    return value if np.isfinite(value) else otherwise
