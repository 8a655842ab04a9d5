"""Parameters of commands that are about money: figures with ranges, and shares."""

from __future__ import annotations

from decimal import Decimal

import click

from rushes.route.figures import Figure, parse_figure, parse_share


class FigureType(click.ParamType[Figure]):
    """``0.05``, or a range ``0.04..0.06``."""

    name = "figure"

    def __init__(self, *, above: bool = False) -> None:
        self.above = above

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Figure:
        figure = value if isinstance(value, Figure) else parse_figure(str(value))
        if figure is None:
            self.fail(f"{value!r} is no figure such as 0.05 or 0.04..0.06", param, ctx)
        if self.above and figure.low == 0:
            self.fail(f"{value!r} has to be above 0", param, ctx)
        return figure


class ShareType(click.ParamType[Decimal]):
    """``10%`` or ``0.1``, from 0 to 1."""

    name = "share"

    def __init__(self, *, above: bool = False) -> None:
        self.above = above

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:
        share = value if isinstance(value, Decimal) else parse_share(str(value))
        if share is None or (self.above and share == 0):
            self.fail(f"{value!r} is no share such as 60% or 0.6", param, ctx)
        return share
