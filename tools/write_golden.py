"""Write tests/models/golden: what each stage of sprite gives for a fixed input, with its version.

Run it when a stage's version was raised, or when sprite was trained again.
"""

from __future__ import annotations

from tests.models.golden import write_golden

if __name__ == "__main__":
    write_golden()
