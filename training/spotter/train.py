"""The whole recipe, in order: `python -m training.spotter.train --all`, or `--stage NAME`.

Every stage goes on from where it was interrupted. Training's time is a wall-clock budget on two CPU
cores with nothing else to do; `--scale 2` doubles it.
"""

from training.sprite.stages import Stage, run_stages

STAGES = (
    Stage("clips", "training.spotter.cache", ("--shards", "12", "--workers", "2")),
    Stage("eyes", "training.spotter.train_eyes", ("--workers", "2"), 40),
    Stage("remade", "training.spotter.remade", ("--shards", "8", "--workers", "2")),
    Stage("reader", "training.spotter.train_reader", ("--workers", "2"), 100),
    Stage("export", "training.spotter.export"),
)


if __name__ == "__main__":
    run_stages(STAGES, __doc__)
