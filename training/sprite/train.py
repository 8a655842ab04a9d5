"""The whole recipe, in order: `python -m training.sprite.train --all`, or `--stage NAME`.

Every stage resumes from its last checkpoint under `runs/`. Times are wall-clock budgets on two
CPU cores; `--scale 2` doubles them all.
"""

from training.sprite.stages import Stage, run_stages

VAE = "training.sprite.train_vae"
AUDIO = "training.sprite.train_audio"
FOLDED = "s16t4f"
WHOLE = ("--crop", "64", "--span", "9", "--batch", "4")


STAGES = (
    Stage("vae-unfolded", VAE, ("--config", "s8t4", "--crop", "32", "--flat", "0.99"), 7.5),
    Stage("vae-fold", "training.sprite.fold_vae", ("--threads", "2")),
    Stage("vae", VAE, ("--config", FOLDED, *WHOLE, "--rate", "7e-4"), 13),
    Stage("audio-vae", AUDIO, ("vae", "--threads", "2"), 13.5),
    Stage("vocoder", AUDIO, ("vocoder", "--rate", "1.5e-3", "--threads", "2"), 20),
    Stage("latents", "training.sprite.cache", ("--shards", "8", "--threads", "2")),
    Stage("transformer", "training.sprite.train_transformer", (), 195),
    Stage(
        "decoder", VAE,
        ("--config", FOLDED, "--name", f"{FOLDED}_decoder", "--decoder-of", FOLDED,
         *WHOLE, "--rate", "5e-4"), 6.5,
    ),
    Stage("export", "training.sprite.export", ()),
)  # fmt: skip


if __name__ == "__main__":
    run_stages(STAGES, __doc__)
