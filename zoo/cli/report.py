"""`zoo report`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.cli.border import quiet_tensorflow, usage
from zoo.files import replacing
from zoo.runs import REPORT, Run, runs_in
from zoo.sweeps import SweepFolder

if TYPE_CHECKING:
    from tuning.study import StudyFolder


@click.command("report")
@click.argument("paths", nargs=-1, required=True, metavar="RUN...", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="File. Default: report.html in RUN, or here where there are several.",
)
@click.option("--overwrite", is_flag=True, help="Replace a file that is no report.")
def command(paths: tuple[Path, ...], out: Path | None, overwrite: bool) -> None:
    """Write a page of one RUN, of several side by side, or of a study.

    A folder of runs, or a sweep, stands for all of its runs; a study, what `zoo tune` made, is
    named alone. The page is an HTML file that needs
    nothing beside it: curves, scores with their protocols, reconstructions, traversals, what each
    latent knows, settings. An earlier report is replaced.
    """
    out = out or (paths[0] if len(paths) == 1 else Path()) / REPORT
    with usage():
        study = _study_among(paths)
        runs, left_out = ([], []) if study else _found(paths)
    from zoo.reporting.pages import LIMIT
    from zoo.reporting.report import is_report, report

    if out.is_dir() or (out.exists() and not overwrite and not is_report(out)):
        what = "a folder" if out.is_dir() else "a file that is no report"
        hint = "" if out.is_dir() else "Use --overwrite, or another --out. "
        raise click.UsageError(f"Expected --out to be free. {hint}Received: {out}, {what}.")
    if study:
        from tuning.report import page as page_of

        with quiet_tensorflow(), usage():  # the method is asked for its terms
            text = page_of(study)
    else:
        text = report(runs, left_out)
    page = text.encode()
    with replacing(out) as partial:
        partial.write_bytes(page)
    for message in left_out:
        click.echo(f"left out: {message}", err=True)
    size = len(page) / 2**20
    counted = _counted(len(study.trials), "trial") if study else _counted(len(runs), "run")
    click.echo(f"{out}: {counted}, {size:.1f} MiB")
    if len(page) > LIMIT:
        click.echo(
            f"That is more than {LIMIT // 2**20} MiB: so many runs' curves and tables take it. "
            "Report on fewer runs."
        )


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _study_among(paths: Sequence[Path]) -> StudyFolder | None:
    """The study that is named, if one is.

    Raises:
        ValueError: It is not named alone.
    """
    from tuning.study import StudyFolder

    studies = [StudyFolder(path) for path in paths if StudyFolder(path).exists]
    if studies and len(paths) > 1:
        raise ValueError(
            f"Expected a study alone, which has a page of its own. Received: {len(paths)} paths, "
            f"among them the study {studies[0].path}."
        )
    return studies[0] if studies else None


def _found(paths: Sequence[Path]) -> tuple[list[Run], list[str]]:
    """The runs to show, each once, and what to say of those that cannot be shown.

    A run that is named must be finished; in a folder of runs those that are not are left out.

    Raises:
        ValueError: A path that holds no run, or none that is finished.
    """
    runs: dict[Path, Run] = {}
    left_out: list[str] = []
    for path in paths:
        named = Run(path).exists
        candidates = [Run(path)] if named else runs_in(path)
        failed = {} if named else _failures(path)
        refused = []
        for run in candidates:
            try:
                _ = Run.open(run.path).settings
            except (FileNotFoundError, ValueError) as error:
                refused.append(failed.get(run.path) or str(error))
            else:
                runs.setdefault(run.path.resolve(), run)
        if named and refused:
            raise ValueError(refused[0])
        if not candidates:
            raise ValueError(
                f"Expected a run folder with config.json, or a folder of runs. Received: {path}."
            )
        if len(refused) == len(candidates):
            raise ValueError(f"No run in {path} can be shown. {refused[0]}")
        left_out += refused
    return list(runs.values()), left_out


def _failures(folder: Path) -> dict[Path, str]:
    """What to say of the runs of a sweep that failed, by their folders."""
    outcomes = SweepFolder(folder).outcomes.items()
    paths = {folder / "runs" / name: outcome for name, outcome in outcomes}
    return {
        path: f"The run {path} failed: {outcome.reason}"
        for path, outcome in paths.items()
        if outcome.status == "failed"
    }
