"""Models that read video: frames with their times go in, a text with spans of seconds comes out."""
