"""streaming: as loud as streaming platforms play, -14 LUFS ±2 LU."""

from __future__ import annotations

from rushes.checks.loudness import STREAMING, LoudnessCheck

THRESHOLD = 1.0
CHECK = LoudnessCheck("streaming", STREAMING, "as loud as streaming platforms play, -14 LUFS")
