"""The whole recipe, in order: `python -m training.sprite.train --all`, or `--stage NAME`.

Every stage resumes from its last checkpoint under `runs/`. Times are wall-clock budgets on two
CPU cores; `--scale 2` doubles them all.
"""

from training.sprite.stages import Stage, run_stages

VAE = "training.sprite.train_vae"
AUDIO = "training.sprite.train_audio"
FOLDED = "s16t4f"
LAST = "s24t4"
WHOLE = ("--size", "96", "--batch", "8")


STAGES = (
    Stage("vae-unfolded", VAE, ("--config", "s8t4", "--crop", "32", "--flat", "0.99"), 7.5),
    Stage("vae-fold", "training.sprite.fold_vae", ("--threads", "2")),
    Stage("vae-small", VAE, ("--config", FOLDED, "--batch", "4", "--rate", "7e-4"), 13),
    Stage("vae-grow", "training.sprite.grow_vae", ()),
    Stage("vae", VAE, ("--config", LAST, *WHOLE, "--rate", "8e-4", "--flat", "0.5"), 78),
    Stage("audio-vae", AUDIO, ("vae", "--threads", "2"), 13.5),
    Stage("vocoder", AUDIO, ("vocoder", "--rate", "1.5e-3", "--threads", "2"), 20),
    Stage(
        "vocoder-clicks", AUDIO,
        ("vocoder", "--name", "vocoder_clicks", "--after", "vocoder", "--only", "click",
         "--rate", "2e-3", "--threads", "2"), 2,
    ),
    Stage(
        "vocoder-mixed", AUDIO,
        ("vocoder", "--name", "vocoder_mixed", "--after", "vocoder_clicks",
         "--rate", "2e-3", "--threads", "2"), 6,
    ),
    Stage("latents", "training.sprite.cache", ("--shards", "4", "--threads", "2")),
    Stage("outlines", "training.sprite.train_namer", (), 4),
    Stage("transformer", "training.sprite.train_transformer", (), 195),
    Stage("own-clips", "training.sprite.choose", ("--shards", "10", "--threads", "2")),
    # minutes count from the first of these trainings; the rate begins at 5e-4
    Stage(
        "transformer-on-own-clips", "training.sprite.train_transformer",
        ("--rate", "3.4e-3", "--decay", "1"), 225,
    ),
    Stage("redrawn", "training.sprite.redrawn", ("--shards", "12")),
    Stage("decoder", "training.sprite.train_decoder", (), 40),
    Stage("export", "training.sprite.export", ()),
)  # fmt: skip


if __name__ == "__main__":
    run_stages(STAGES, __doc__)
