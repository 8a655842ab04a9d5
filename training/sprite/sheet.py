"""Contact sheets: rows of clips, every third frame, and spectrograms; for eyes, not for scores."""

from pathlib import Path

import cv2
import numpy as np
import torch

from training.sprite import mel


def write_sheet(path: str | Path, clips: np.ndarray, every: int = 3, scale: int = 2) -> None:
    """clips (N, F, H, W, 3) uint8 -> a PNG of N rows."""
    rows = []
    for clip in clips:
        frames = [np.pad(f, ((1, 1), (1, 1), (0, 0)), constant_values=200) for f in clip[::every]]
        rows.append(np.concatenate(frames, 1))
    image = np.concatenate(rows)[..., ::-1]
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
    cv2.imwrite(str(path), image)


def write_spectrograms(path: str | Path, waves: np.ndarray, scale: int = 2) -> None:
    """waves (N, 2, samples) -> a PNG of N left-channel spectrograms, 0-8 kHz, -80 to 0 dB."""
    rows = []
    for wave in waves:
        bands = mel.magnitude(torch.from_numpy(wave[0]).float(), 512, 80)
        db = 20 * torch.log10(bands / 100 + 1e-4)
        image = ((db + 80) / 80).clamp(0, 1).flip(0).numpy()
        rows.append(np.pad((image * 255).astype(np.uint8), 1, constant_values=200))
    image = cv2.applyColorMap(np.concatenate(rows[:12]), cv2.COLORMAP_INFERNO)
    cv2.imwrite(str(path), cv2.resize(image, None, fx=scale, fy=1))
