"""All stages by name, in the order of the work."""

from __future__ import annotations

from rushes.stages import (
    ask,
    assemble,
    check,
    decode_audio,
    decode_video,
    denoise,
    encode_condition,
    encode_text,
    export,
    render_prompt,
)
from rushes.stages.base import Stage

STAGES: dict[str, Stage] = {
    module.STAGE.name: module.STAGE
    for module in (
        render_prompt,
        encode_text,
        encode_condition,
        denoise,
        decode_video,
        decode_audio,
        export,
        ask,
        assemble,
        check,
    )
}
