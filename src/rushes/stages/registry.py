"""All stages by name, in the order of the work."""

from __future__ import annotations

from rushes.stages import (
    ask,
    ask_server,
    assemble,
    check,
    cut_track,
    cuts,
    decode_audio,
    decode_video,
    denoise,
    encode_condition,
    encode_given,
    encode_text,
    export,
    gate,
    generate,
    golden,
    read,
    refine,
    render_prompt,
    repair,
    sample,
    upsample,
)
from rushes.stages.base import Stage

STAGES: dict[str, Stage] = {
    module.STAGE.name: module.STAGE
    for module in (
        render_prompt,
        encode_text,
        encode_condition,
        encode_given,
        denoise,
        repair,
        generate,
        upsample,
        refine,
        decode_video,
        decode_audio,
        cut_track,
        export,
        ask,
        cuts,
        sample,
        read,
        ask_server,
        assemble,
        check,
        golden,
        gate,
    )
}
