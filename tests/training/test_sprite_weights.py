"""The embedded weights: layout, size, shapes, and that the stock pipeline runs on them."""

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

FOLDER = Path(__file__).parents[2] / "src" / "rushes" / "weights" / "sprite"
PARTS = ("vae", "audio_vae", "vocoder", "connectors", "transformer", "text_encoder")
pytestmark = pytest.mark.skipif(not (FOLDER / "model_index.json").exists(), reason="not exported")


@pytest.fixture(scope="module")
def pipeline():
    from training.sprite.sample import load_pipeline

    return load_pipeline(FOLDER)


def test_all_weights_fit_in_25_megabytes():
    files = [p for p in FOLDER.rglob("*") if p.is_file()]
    assert sum(p.stat().st_size for p in files) <= 25_000_000
    assert not [p.name for p in files if p.suffix in {".bin", ".pt", ".pkl", ".new"}]


def test_the_parts_are_the_true_classes():
    index = json.loads((FOLDER / "model_index.json").read_text())
    assert index["_class_name"] == "LTX2Pipeline"
    assert index["transformer"][1] == "LTX2VideoTransformer3DModel"
    assert index["vae"][1] == "AutoencoderKLLTX2Video"
    assert index["text_encoder"][1] == "Gemma3ForConditionalGeneration"


def test_any_text_tokenises_and_comes_back():
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(FOLDER / "tokenizer")
    assert tokenizer("")["input_ids"] == [tokenizer.bos_token_id]
    plain = tokenizer("a red ball bounces on a grey background")["input_ids"]
    assert len(plain) == 9
    for text in ("Zürich 🚀", "xylophone; 42%", "赤いボール"):
        ids = tokenizer(text)["input_ids"]
        assert tokenizer.unk_token_id not in ids
        assert tokenizer.decode(ids, skip_special_tokens=True) == text


def test_the_stock_pipeline_runs_and_repeats(pipeline):
    from training.sprite.sample import generate

    runs = [
        generate(pipeline, ["a red ball bounces on a grey background"], [3], steps=2)
        for _ in range(2)
    ]
    video, audio = runs[0]
    assert video.shape == (1, 33, 96, 96, 3)
    assert audio.shape == (1, 2, 32_800)
    assert np.isfinite(audio).all()
    assert np.abs(audio).max() <= 1
    assert np.array_equal(video, runs[1][0])
    assert np.array_equal(audio, runs[1][1])


def test_the_video_vae_gives_back_what_it_gets(pipeline):
    from training.sprite import world
    from training.sprite.cache import PIXELS
    from training.sprite.train_vae import measure_psnr, render_clips

    clips = render_clips(4, 77, PIXELS)
    assert measure_psnr(pipeline.vae, clips) > 24
    assert pipeline.vae.spatial_compression_ratio == 24
    assert pipeline.vae.temporal_compression_ratio == 4
    assert world.FRAMES % pipeline.vae.temporal_compression_ratio == 1


@pytest.mark.parametrize("motion", ["bounces", "slides", "blinks"])
def test_audio_vae_and_vocoder_give_every_event_back_as_loud(pipeline, motion):
    from training.sprite import mel, world
    from training.sprite.oracle_sound import BANDS, HOP, band_energy, find_onsets

    rng = np.random.default_rng(21)
    for _ in range(3):
        scene = world.sample_scene(rng, motion=motion, silent=False)
        wave = world.render_audio(scene, mel.SAMPLES)
        mels = mel.log_mel(torch.from_numpy(wave)[None])[:, :, : mel.MEL_FRAMES]
        with torch.no_grad():
            latents = pipeline.audio_vae.encode(mels).latent_dist.mode()
            back = pipeline.vocoder(pipeline.audio_vae.decode(latents).sample)[0].numpy()
        there, again = (w.mean(0).astype(np.float64) for w in (wave, back))
        onsets = find_onsets(again, motion)
        levels = [10 * np.log10(band_energy(w, *BANDS[motion]) + 1e-9) for w in (there, again)]
        for when, _ in world.list_events(scene, 1.9):
            assert min(abs(when - onset) for onset in onsets) < 0.03
            at = int(when * mel.SAMPLE_RATE / HOP)
            was, now = (level[at : at + 12].max() for level in levels)
            assert now == pytest.approx(was, abs=4)
