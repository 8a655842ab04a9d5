"""The video processor's settings, as the reader will read them out of the exported folder."""

from rushes.readers.qwen3vl_settings import make_settings
from training.spotter import parts

SETTINGS = make_settings(parts.VIDEO_PROCESSOR, "video_preprocessor_config.json")
