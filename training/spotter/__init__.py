"""Trains spotter, the embedded reader of video, on clips of sprite's world."""
