"""r128: as loud as broadcasters ask for, -23 LUFS ±1 LU (EBU R 128)."""

from __future__ import annotations

from rushes.checks.loudness import R128, LoudnessCheck

THRESHOLD = 1.0
CHECK = LoudnessCheck("r128", R128, "as loud as EBU R 128 asks for, -23 LUFS")
