"""The recipes name modules and options that there are."""

from importlib import import_module
from pathlib import Path

import pytest

from training.spotter.train import STAGES as SPOTTER
from training.sprite.train import STAGES as SPRITE

STAGES = [*SPRITE, *SPOTTER]


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: f"{stage.module}-{stage.name}")
def test_a_stage_names_options_of_its_module(stage):
    module, words = import_module(stage.module), stage.command(1.0)[3:]
    if hasattr(module, "build_parser"):
        module.build_parser().parse_args(words)
        return
    source = Path(module.__file__).read_text("utf-8")
    for word in words:
        if word.startswith("--"):
            assert f'"{word}"' in source, word
