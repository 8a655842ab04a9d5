"""Every configuration of spotter: a Qwen3-VL in miniature, and how it looks at a clip.

A token is 16x16 pixels of two frames (patches of 8, merged two by two), a frame 16 tokens at most:
64x64 pixels, whatever the file's size. At 8 frames a second four timestamped blocks of 21 tokens
make a second of video.
"""

SPECIAL = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>",
    "<|image_pad|>", "<|video_pad|>",
)  # fmt: skip
PAD, IM_START, IM_END, VISION_START, VISION_END, IMAGE_PAD, VIDEO_PAD = range(len(SPECIAL))

FPS = 8.0
PATCH, MERGE, DEPTH = 8, 2, 2
TOKENS_A_FRAME = 16
FRAMES = (4, 64)  # fewest, most

HEAD = 32
TEXT = {
    "hidden_size": 192,
    "intermediate_size": 512,
    "num_hidden_layers": 8,
    "num_attention_heads": 6,
    "num_key_value_heads": 6,
    "head_dim": HEAD,
    "max_position_embeddings": 4096,
    "rope_parameters": {
        "rope_type": "default",
        "rope_theta": 10_000.0,
        "mrope_interleaved": True,
        "mrope_section": [6, 5, 5],  # of HEAD / 2: time, row, column, in Qwen3-VL's proportions
    },
    "rms_norm_eps": 1e-6,
    "tie_word_embeddings": True,  # an answer's "0.8" is the timestamp's
    "pad_token_id": PAD,
    "bos_token_id": None,
    "eos_token_id": IM_END,
}
VISION = {
    "depth": 4,
    "hidden_size": 128,
    "intermediate_size": 384,
    "num_heads": 4,
    "in_channels": 3,
    "patch_size": PATCH,
    "spatial_merge_size": MERGE,
    "temporal_patch_size": DEPTH,
    "out_hidden_size": TEXT["hidden_size"],
    "num_position_embeddings": 64,  # 8x8, interpolated to other grids
    "deepstack_visual_indexes": [1],
}
GENERATION = {
    "do_sample": False,
    "max_new_tokens": 64,
    "pad_token_id": PAD,
    "eos_token_id": [IM_END, PAD],
}

PIXELS = {
    "do_resize": True,
    "do_rescale": True,
    "do_normalize": True,
    "do_convert_rgb": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "rescale_factor": 1 / 255,
    "resample": 3,
    "patch_size": PATCH,
    "temporal_patch_size": DEPTH,
    "merge_size": MERGE,
}
_AREA = (PATCH * MERGE) ** 2  # pixels of a token
VIDEO_PROCESSOR = PIXELS | {
    "video_processor_type": "Qwen3VLVideoProcessor",
    # both of a whole clip; the cap of each frame is what binds
    "size": {"shortest_edge": 4 * _AREA, "longest_edge": 4096 * _AREA},
    "cap_pixels_per_frame": True,
    "max_video_tokens": TOKENS_A_FRAME,
    "do_sample_frames": True,
    "fps": FPS,
    "min_frames": FRAMES[0],
    "max_frames": FRAMES[1],
    "return_metadata": False,
}
IMAGE_PROCESSOR = PIXELS | {
    "image_processor_type": "Qwen2VLImageProcessor",
    "size": {"shortest_edge": 4 * _AREA, "longest_edge": TOKENS_A_FRAME * _AREA},
}
PROCESSOR_CLASS = "Qwen3VLProcessor"

CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{{- '<|im_start|>' + message.role + '\\n' -}}"
    "{%- if message.content is string -%}{{- message.content -}}"
    "{%- else -%}{%- for part in message.content -%}"
    "{%- if part.type == 'video' or 'video' in part -%}"
    "{{- '<|vision_start|><|video_pad|><|vision_end|>' -}}"
    "{%- elif part.type == 'image' or 'image' in part -%}"
    "{{- '<|vision_start|><|image_pad|><|vision_end|>' -}}"
    "{%- elif 'text' in part -%}{{- part.text -}}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}"
    "{{- '<|im_end|>' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"
)
