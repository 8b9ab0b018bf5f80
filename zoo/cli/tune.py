"""`zoo tune`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from zoo import registry
from zoo.cli.border import quiet_tensorflow, usage
from zoo.cli.settings import MetricNames, given_layers, parsed, setting_options
from zoo.messages import unknown

if TYPE_CHECKING:
    from tuning.study import StudyFolder

HELP = """\
Search for the settings of a METHOD in which a score is best.

\b
  zoo tune beta_vae --max-trials 12 --seeds 3
  zoo tune simclr --objective knn_accuracy --tuner hyperband
  zoo tune beta_vae --data folder:photos --objective udr --seeds 3

The METHOD is trained by its recipe (`zoo train METHOD --help` shows it; flags override it), with
values of the numbers that it is known to hang on. --set fixes one of them, --range gives another
range, or joins a number to the search: --range learning_rate=1e-4:1e-2:log.

--workers tries several settings at once; --chief and --join do so on several machines, which share
a folder.

The same command goes on with a search that was stopped, and a larger --max-trials with one that
has ended. A trial that fails is noted with its reason, and the others go on.
"""


def ranges_from(texts: Sequence[str]) -> dict[str, list[Any]]:
    """--range NAME=LOW:HIGH and NAME=LOW:HIGH:SCALE as name -> [low, high, scale].

    Raises:
        ValueError: Something else, or a name twice.
    """
    ranges: dict[str, list[Any]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        parts = [parsed(part) for part in values.split(":")]
        if not equals or len(parts) not in (2, 3):
            raise ValueError(
                f"Expected --range NAME=LOW:HIGH or NAME=LOW:HIGH:log. Received: {text!r}."
            )
        if name in ranges:
            raise ValueError(f"Expected one range for {name}. Received two.")
        ranges[name] = parts
    return ranges


@contextlib.contextmanager
def stoppable(folder: StudyFolder, most: int) -> Iterator[None]:
    """Within it what stops a search, Ctrl-C or SIGTERM, ends it with a line on how far it came."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as stop:
        done, open_ones = len(folder.trials), len(folder.begun)
        more = f", and {open_ones} more begun" if open_ones else ""
        click.echo(
            f"zoo: stopped after {done} of at most {most} trials{more}. The same command goes on.",
            err=True,
        )
        raise SystemExit(getattr(stop, "code", 130)) from None


def _tune(
    method: str,
    objective: str,
    tuner: str,
    max_trials: int,
    seeds: int,
    search_seed: int,
    ranges: tuple[str, ...],
    metrics: list[str] | None,
    out: Path | None,
    overwrite: bool,
    workers: int | None,
    chief: str | None,
    join: str | None,
    threads: int | None,
    gpus: str | None,
    **flags: Any,
) -> None:
    with usage():
        if chief and join:
            raise ValueError("Expected --chief or --join. Received both.")
        if threads is not None and workers is None and not (gpus or chief or join):
            raise ValueError("Expected --threads of each of --workers. Received: it alone.")
        if method not in registry.names():
            raise ValueError(unknown("method", method, registry.names()))
        asked = ranges_from(ranges)
        layers = given_layers(**flags, metrics=metrics)
    with quiet_tensorflow():
        import tensorflow as tf

        from tuning import searching
        from tuning.study import Study, StudyFolder
        from tuning.workers import address_of, check_free, gpus_from, run_workers
    with usage():
        study = Study.planned(
            method, objective, tuner, max_trials, seeds, search_seed, asked, layers
        )
        folder = StudyFolder(out or searching.default_folder(study))
        folder.check(study, overwrite)
        searching.check(study)
        given = chief or join
        address = address_of(given) if given else None
        if address and chief:
            check_free(address)
        pinned = gpus_from(gpus, len(tf.config.list_physical_devices("GPU")) if gpus else 0)
        if join and not folder.exists:
            raise ValueError(
                f"Expected the chief's study in {folder.path}. Received: nothing there."
            )
        if join and overwrite:
            raise ValueError("Expected --join without --overwrite: the study is the chief's.")
        count = (len(pinned) or (0 if chief else 1)) if workers is None else workers
    console = Console(soft_wrap=True)
    with usage(), stoppable(folder, study.most):
        data = None if join else searching.prepared(study, console)
    with stoppable(folder, study.most):
        if workers is None and not (given or pinned):
            searching.run_study(study, folder, console, overwrite, data)
        else:
            if not join:
                with searching.begun(study, folder, overwrite):
                    pass
            run_workers(folder, console, count, address, bool(join), threads, pinned)
    searching.say_where(folder, console)
    if folder.best is None:
        raise click.ClickException("No trial finished.")


command = click.Command(
    "tune",
    callback=_tune,
    help=HELP,
    short_help="Search for the settings in which a score is best.",
    params=[
        click.Argument(["method"], metavar="METHOD"),
        click.Option(
            ["--objective"],
            default="mig",
            show_default=True,
            help="What to search for: mig, sap, dci, knn_accuracy, udr, loss, ...",
        ),
        click.Option(
            ["--tuner"],
            default="bayesian",
            show_default=True,
            help="bayesian, random, grid or hyperband.",
        ),
        click.Option(
            ["--max-trials"], type=int, default=20, show_default=True, help="The most trials."
        ),
        click.Option(
            ["--seeds"],
            type=int,
            default=1,
            show_default=True,
            help="Runs of each trial, seeds 0, 1, ...; their mean is searched on.",
        ),
        click.Option(
            ["--search-seed"], type=int, default=0, show_default=True, help="Of the search."
        ),
        click.Option(
            ["--range", "ranges"],
            multiple=True,
            metavar="NAME=LOW:HIGH[:SCALE]",
            help="The range of a number, on a scale: linear or log. May be repeated.",
        ),
        click.Option(
            ["--metrics"],
            type=MetricNames(),
            help=f"To score by beside the objective. {MetricNames.help}",
        ),
        *setting_options(),
        click.Option(
            ["--out"],
            type=click.Path(path_type=Path),
            help="Folder. Default: runs/tune-METHOD-DATA.",
        ),
        click.Option(["--overwrite"], is_flag=True, help="Replace the study in --out."),
        click.Option(
            ["--workers"],
            type=click.IntRange(1),
            help="Processes that try settings at once. Default: one, or one a GPU of --gpus.",
        ),
        click.Option(
            ["--threads"],
            type=click.IntRange(1),
            help="Of each worker. Default: the cores, shared.",
        ),
        click.Option(["--gpus"], help="all, or numbers, 0,1: a worker is pinned to each in turn."),
        click.Option(
            ["--chief"],
            metavar="HOST:PORT",
            help="Listen there for workers of other machines, that share the folder of --out.",
        ),
        click.Option(
            ["--join"],
            metavar="HOST:PORT",
            help="Work for the chief there: the same command otherwise, and the same folder.",
        ),
    ],
)
