"""A copy of a clip with a comment in its container; the streams are copied, not encoded again."""

from __future__ import annotations

from pathlib import Path

import av

from rushes.media.opening import map_errors, open_input


def tag_clip(path: Path, to: Path, tags: dict[str, str]) -> None:
    """Write ``path`` again with container tags, by FFmpeg's names (``comment``, ``title``).

    Pictures, sound and their times stay as they are.

    Raises:
        MediaError: the file cannot be read, or not written.
        StoreFull: no space is left.
    """
    with (
        map_errors("cannot write", to),
        open_input(path) as source,
        av.open(str(to), "w", options={"movflags": "+faststart"}) as target,
    ):
        streams = {s.index: target.add_stream_from_template(s) for s in source.streams}
        target.metadata.update({**source.metadata, **tags})
        for packet in source.demux():
            if packet.dts is None:
                continue
            packet.stream = streams[packet.stream.index]
            target.mux(packet)
