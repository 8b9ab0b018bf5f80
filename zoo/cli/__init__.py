"""The command `zoo`, a file a command. Help and names are answered without importing TensorFlow."""

from __future__ import annotations

import sys

import click

from zoo import __version__
from zoo.cli import (
    apply,
    disambiguate,
    evaluate,
    export,
    listing,
    report,
    sweep,
    train,
    traverse,
    tune,
)
from zoo.cli.names import Names
from zoo.cli.output import one_line, warnings_in_a_line
from zoo.files import disk_full


@click.group(cls=Names, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="zoo")
def cli() -> None:
    """Contrastive and disentangled representation learning for Keras 3."""


for module in (
    listing, train, sweep, tune, evaluate, disambiguate, traverse, report, export, apply,
):  # fmt: skip
    cli.add_command(module.command)


def main(
    arguments: list[str] | None = None, command: click.Command = cli, name: str = "zoo"
) -> None:
    """The console script: one readable line for an error; 2 for usage, 1 for failure.

    Args:
        arguments: Default: those of this process.
        command: What is answered.
        name: What its help calls it.
    """
    with warnings_in_a_line():
        sys.exit(_run(arguments, command, name))


def _run(arguments: list[str] | None, command: click.Command, name: str) -> int:
    try:
        code = command.main(arguments, prog_name=name, standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.ClickException as error:
        click.echo(f"zoo: {one_line(error)}", err=True)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("zoo: stopped.", err=True)
        return 130
    except (ValueError, OSError, FloatingPointError) as error:  # the last: what diverged
        click.echo(f"zoo: {one_line(error)}", err=True)
        return 1
    except Exception as error:
        if disk_full(error):  # in TensorFlow's words
            click.echo(f"zoo: The disk is full: {one_line(error)}", err=True)
            return 1
        if not isinstance(error, MemoryError) and type(error).__name__ != "ResourceExhaustedError":
            raise  # the latter is TensorFlow's, which may not be imported here
        click.echo(
            "zoo: Out of memory. A smaller --image-size or --batch-size needs less.", err=True
        )
        return 1
