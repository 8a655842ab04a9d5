"""What a plan is for: a described card, or this machine as it is. Needs neither torch nor a GPU."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import msgspec

from rushes.catalogue.device import Device, device_names, find_device
from rushes.errors import UsageError
from rushes.plan.memory.fit import Target
from rushes.spec.project import Project

QUERY = ("--query-gpu=name,memory.total", "--format=csv,noheader,nounits")


def find_target(project: Project, device: str | None, vram: int | None) -> Target:
    """The device and the limit that a plan is made for.

    A device that is named comes first: a described card, ``cuda:N`` or ``cpu``. Else it is this
    machine's GPU; without one, the card that a ``vram`` limit is about; else this machine's CPU.

    Args:
        device: ``--device``.
        vram: ``--vram``, in bytes; it stands in for the project's.

    Raises:
        UsageError: there is no such device.
    """
    limit, said = project.vram, f"vram = {_gb(project.vram)} of [project]"
    if vram is not None:
        limit, said = vram, f"--vram {_gb(vram)}"
    found = _named(device) if device is not None else describe_gpu(0)
    if found is None:
        found = describe_cpu() if limit is None else card_of(limit)
    return Target(found, limit, said if limit is not None else "")


def find_runtime(device: str, project: Project, vram: int | None) -> Target:
    """What ``make`` runs on: the limit holds on a card; a CPU has its own memory.

    Args:
        device: ``auto``, ``cpu`` or ``cuda:N``.
    """
    target = find_target(project, None if device == "auto" else device, vram)
    if device == "cpu" or (device == "auto" and describe_gpu(0) is None):
        return Target(describe_cpu())
    return target


def _named(device: str) -> Device:
    if device == "cpu":
        return describe_cpu()
    if found := re.fullmatch(r"cuda:(\d+)", device):
        gpu = describe_gpu(int(found[1]))
        if gpu is None:
            hint = f"plan for a described card instead: {', '.join(device_names())}"
            raise UsageError(f"this machine has no {device}", hint=hint)
        return gpu
    return find_device(device)


def card_of(limit: int) -> Device:
    """The described card whose memory is nearest above a limit, or the largest."""
    cards = [d for d in map(find_device, device_names()) if d.kind == "cuda"]
    return next((card for card in cards if card.memory_bytes >= limit), cards[-1])


def describe_cpu() -> Device:
    """This machine's processor, with its own memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return msgspec.structs.replace(find_device("cpu"), memory_bytes=memory, title="this machine")


def describe_gpu(number: int) -> Device | None:
    """This machine's GPU, from ``nvidia-smi``; None where there is none.

    A card that is not described is taken for the described one with the nearest memory.
    """
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    try:
        done = subprocess.run(
            [tool, f"--id={number}", *QUERY], capture_output=True, text=True, timeout=20, check=True
        )
        product, memory = (word.strip() for word in done.stdout.strip().splitlines()[0].split(","))
        nbytes = int(memory) * 2**20
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None
    cards = [d for d in map(find_device, device_names()) if d.kind == "cuda"]
    same = [d for d in cards if product in d.products]
    like = same[0] if same else min(cards, key=lambda d: abs(d.memory_bytes - nbytes))
    return msgspec.structs.replace(like, title=product, memory_bytes=nbytes)


def _gb(nbytes: int | None) -> str:
    return "" if nbytes is None else f"{nbytes / 1e9:g}GB"
