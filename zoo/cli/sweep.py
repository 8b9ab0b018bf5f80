"""`zoo sweep`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from zoo.cli.border import quiet_tensorflow, usage
from zoo.cli.settings import MetricNames, given_layers, parsed, setting_options, slug
from zoo.messages import counted
from zoo.sweeps import Sweep, SweepFolder, check_names

HELP = """\
Train a method over values of one of its numbers, or several methods, each with several seeds;
draw scores, trade-off and traversals, and write one table.

\b
  zoo sweep beta_vae --param beta --values 1 2 4 8 16
  zoo sweep subspace_contrastive --param hsic_weight --values 0 1 10 100
  zoo sweep vae beta_vae factor_vae --steps 3000

With --param, the one METHOD is trained by its recipe (`zoo train METHOD --help` shows it), beside
the number that is varied. Without, several METHODs are compared at their paper's defaults: each by
the hyperparameters of its class, all in the data, steps, batch size and learning rate of the first
one's recipe. Flags override either.

The same command goes on with a sweep that was stopped, and more values, methods or seeds add to
it. A run that fails is noted with its reason, and the others go on.
"""


class Several(click.Option):
    """An option, `multiple`, that takes all that follows it: `--values 1 2 4`."""


class WithSeveral(click.Command):
    """A command with options of that kind."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Click's own, once each value has its flag."""
        flags = {flag for p in self.params if isinstance(p, Several) for flag in p.opts}
        return super().parse_args(ctx, spread(args, flags))


def spread(args: Sequence[str], flags: set[str]) -> list[str]:
    """`--values 1 2` as `--values=1 --values=2`; a negative number is a value.

    After `--values=1` further numbers are values too, but a word is none.
    """
    spread, flag, taken, words = [], "", True, True
    for arg in args:
        is_number = bool(re.match(r"-?\.?\d", arg))
        if arg.startswith("-") and not is_number:
            if not taken:  # nothing followed: click says so
                spread.append(flag)
            name, equals, _ = arg.partition("=")
            flag, words = name if name in flags else "", not equals
            taken = bool(equals) or not flag
            if taken:
                spread.append(arg)
        elif flag and (words or is_number):
            spread.append(f"{flag}={arg}")
            taken = True
        else:
            spread.append(arg)
            flag = ""
    return spread if taken else [*spread, flag]


def _sweep(
    methods: tuple[str, ...],
    param: str | None,
    values: tuple[str, ...],
    seeds: int,
    metrics: list[str] | None,
    out: Path | None,
    retry_failed: bool,
    overwrite: bool,
    **flags: Any,
) -> None:
    with usage():
        numbers = [parsed(value) for value in values] or None
        check_names(methods, param, numbers)
        layers = given_layers(**flags)
    with quiet_tensorflow():
        from zoo import sweeping
    with usage():
        sweep = Sweep.planned(methods, param, numbers, seeds, metrics, layers)
        folder = SweepFolder(out or _default_folder(sweep))
        folder.check(sweep, overwrite)
        sweeping.check(sweep)
    console = Console(soft_wrap=True)
    count = len(sweep.trials())
    console.print(f"{counted(count, 'run')} in {folder.path}", markup=False, highlight=False)
    try:
        outcomes = sweeping.run_sweep(sweep, folder, console, retry_failed, overwrite)
    except (KeyboardInterrupt, SystemExit) as stop:  # Ctrl-C, or SIGTERM, once all is saved
        done = len(folder.outcomes)
        click.echo(
            f"zoo: stopped after {done} of {counted(count, 'run')}. The same command goes on.",
            err=True,
        )
        raise SystemExit(getattr(stop, "code", 130)) from None
    sweeping.say_where(sweep, folder, console)
    if all(outcome.status == "failed" for outcome in outcomes.values()):
        raise click.ClickException("No run finished. Run again with --retry-failed.")
    if all(outcome.metrics != sweep.metrics for outcome in outcomes.values()):
        raise click.ClickException("No run could be scored anew. The former scores stay.")


def _default_folder(sweep: Sweep) -> Path:
    """Where a sweep goes that names no folder."""
    what = "-".join([*sweep.methods, *([sweep.param] if sweep.param else [])])
    return Path("runs") / f"sweep-{what[:80]}-{slug(sweep.settings['data'])}"


command = WithSeveral(
    "sweep",
    callback=_sweep,
    help=HELP,
    short_help="Train over values of a number, or several methods, with several seeds.",
    params=[
        click.Argument(["methods"], nargs=-1, required=True, metavar="METHOD..."),
        click.Option(["--param"], metavar="NAME", help="The number of the one METHOD to vary."),
        Several(
            ["--values"],
            multiple=True,
            metavar="NUMBER...",
            help="Its values. Default: five over its range in the method's search space.",
        ),
        click.Option(
            ["--seeds"], type=int, default=3, show_default=True, help="Runs each, seeds 0, 1, ..."
        ),
        click.Option(
            ["--metrics"],
            type=MetricNames(),
            help=f"To score finished runs by; so are those of --config. {MetricNames.help}",
        ),
        *setting_options(),
        click.Option(
            ["--out"],
            type=click.Path(path_type=Path),
            help="Folder. Default: runs/sweep-METHOD-PARAM-DATA.",
        ),
        click.Option(["--retry-failed"], is_flag=True, help="Try runs that failed once more."),
        click.Option(["--overwrite"], is_flag=True, help="Replace the sweep in --out."),
    ],
)
