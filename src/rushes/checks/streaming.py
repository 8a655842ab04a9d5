"""streaming: as loud as streaming platforms play, -14 LUFS ±2 LU."""

from rushes.checks.loudness import STREAMING, LoudnessCheck

CHECK = LoudnessCheck("streaming", STREAMING, "as loud as streaming platforms play, -14 LUFS")
