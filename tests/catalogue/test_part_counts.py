"""Parts are built from their configurations on the meta device, and their parameters counted.

No weight is allocated; the largest part takes two seconds.
"""

from __future__ import annotations

from typing import Any

import pytest

from rushes.catalogue.load import find_config, find_model, model_names
from rushes.catalogue.source import Part

pytestmark = pytest.mark.slow

PARTS = {
    (part.config, part.class_name): part
    for name in model_names()
    for model in (find_model(name),)
    for part in (*model.parts, *(p for v in model.variants.values() for p in v.parts))
    if part.config
}


def find_class(name: str) -> Any:
    import diffusers
    import transformers
    from diffusers.pipelines import ltx2
    from diffusers.pipelines.ltx2.vocoder import LTX2VocoderWithBWE

    if name == "LTX2VocoderWithBWE":
        return LTX2VocoderWithBWE
    places = (diffusers, ltx2, transformers)
    return next(getattr(place, name) for place in places if hasattr(place, name))


def build_part(part: Part) -> Any:
    """The module of a part, on the meta device."""
    import torch
    import transformers

    config, kind = find_config(part), find_class(part.class_name)
    with torch.device("meta"):
        if "_class_name" in config:
            return kind.from_config(config)
        settings = transformers.AutoConfig.for_model(**config)
        return kind(settings)


@pytest.mark.parametrize("key", PARTS, ids=lambda key: key[0])
def test_a_part_has_as_many_parameters_as_its_entry_says(key: tuple[str, str]) -> None:
    part = PARTS[key]
    module = build_part(part)
    assert all(p.is_meta for p in module.parameters())
    assert sum(p.numel() for p in module.parameters()) == part.parameters


def test_counts_agree_with_files_of_the_hub() -> None:
    """Sizes of safetensors files as published; a header of at most 0.02 % comes on top."""
    files = {
        "wan-2.1-1.3b/transformer.json": ("float32", 4_998_781_576 + 677_289_072),
        "wan/text_encoder.json": (
            "float32",
            4_972_389_712 + 4_899_225_672 + 4_966_309_504 + 4_999_880_704 + 2_885_866_152,
        ),
        "wan/vae.json": ("float32", 507_591_892),
        "wan-2.2-ti2v-5b/transformer.json": (
            "float32",
            4_978_254_344 + 4_846_784_976 + 4_972_658_392 + 4_846_785_080 + 354_751_840,
        ),
        "wan-2.2-ti2v-5b/vae.json": ("float32", 2_818_777_808),
    }
    width = {"float32": 4, "bfloat16": 2}
    counts = {part.config: part.parameters for part in PARTS.values()}
    for config, (dtype, nbytes) in files.items():
        tensors = counts[config] * width[dtype]
        assert 0 < nbytes - tensors < max(0.0002 * tensors, 1e5), config
