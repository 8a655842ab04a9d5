"""Muon (Jordan et al., 2024) with AdamW for what is not a matrix; updates scaled to AdamW's size.

A convolution's kernel counts as the matrix (out, in * kernel). Scaling after "Muon is Scalable for
LLM Training" (Liu et al., 2025): an update's root mean square is 0.2, as AdamW's is, so that one
learning rate serves both.
"""

from collections.abc import Iterable

import torch

from training.sprite.workers import share

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
STEPS = 4


def orthogonalise(matrix: torch.Tensor) -> torch.Tensor:
    """(m, n) -> the nearest semi-orthogonal matrix, roughly, by Newton-Schulz iteration.

    Every step multiplies by a polynomial of x x^T from the left, so the steps run on that smaller
    matrix and x is multiplied once, by their product.
    """
    a, b, c = NEWTON_SCHULZ
    x = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x = x / (x.norm() + 1e-7)
    gram = x @ x.T
    eye = torch.eye(len(gram), device=gram.device, dtype=gram.dtype)
    product = None
    for k in range(STEPS):
        step = a * eye + b * gram + c * gram @ gram
        product = step if product is None else step @ product
        if k < STEPS - 1:
            gram = step @ gram @ step
    x = product @ x
    return x if matrix.shape[0] <= matrix.shape[1] else x.T


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised, for parameters of two or more axes."""

    def __init__(
        self,
        params: Iterable[torch.nn.Parameter],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            moved = [self._follow(p, group["momentum"]) for p in params]
            for p, update in zip(params, share(moved, _update), strict=True):
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(update.view_as(p), alpha=-group["lr"])

    def _follow(self, p: torch.nn.Parameter, momentum: float) -> torch.Tensor:
        """The gradient with its momentum, as a matrix."""
        state = self.state[p]
        if not state:
            state["momentum"] = torch.zeros_like(p)
        buffer = state["momentum"].lerp_(p.grad, 1 - momentum)
        return p.grad.lerp(buffer, momentum).flatten(1)


def _update(matrix: torch.Tensor) -> torch.Tensor:
    return orthogonalise(matrix) * 0.2 * max(matrix.shape) ** 0.5


class Both:
    """Muon for matrices and AdamW for the rest, behind one optimiser's face."""

    def __init__(self, model: torch.nn.Module, lr: float, adam: tuple[str, ...] = ()) -> None:
        """`adam` names (parts of) parameters that AdamW keeps although they are matrices."""
        matrices, rest = [], []
        for name, p in model.named_parameters():
            if p.requires_grad:
                flat = p.ndim < 2 or any(part in name for part in adam)
                (rest if flat else matrices).append(p)
        self.parts = [
            Muon(matrices, lr),
            torch.optim.AdamW(rest, lr, betas=(0.9, 0.98), weight_decay=0.0),
        ]

    def set_rate(self, rate: float) -> None:
        for optimiser in self.parts:
            for group in optimiser.param_groups:
                group["lr"] = rate

    def zero_grad(self) -> None:
        for optimiser in self.parts:
            optimiser.zero_grad(set_to_none=True)

    def step(self) -> None:
        for optimiser in self.parts:
            optimiser.step()

    def state_dict(self) -> list[dict]:
        return [optimiser.state_dict() for optimiser in self.parts]

    def load_state_dict(self, state: list[dict]) -> None:
        for optimiser, saved in zip(self.parts, state, strict=True):
            optimiser.load_state_dict(saved)
