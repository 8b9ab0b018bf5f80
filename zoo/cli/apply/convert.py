"""`zoo apply convert`."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli.apply.options import SAVED_MODEL, SEED, open_saved_model
from zoo.cli.border import quiet_tensorflow, usage
from zoo.cli.output import print_table

SUFFIXES = {"litert": ".tflite", "onnx": ".onnx"}


@click.command("convert")
@SAVED_MODEL
@click.option(
    "--to",
    "runtime",
    type=click.Choice([*SUFFIXES]),
    required=True,
    help="LiteRT (.tflite), or ONNX Runtime (.onnx), which repzoo[serving] installs.",
)
@click.option(
    "--signature",
    help="Which one goes into an .onnx file, which holds one. Default: encode.",
)
@click.option("--out", type=click.Path(path_type=Path), help="The file. Default: in applied/.")
@SEED
@click.option("--overwrite", is_flag=True, help="Replace a file in --out.")
def command(
    saved_model: Path,
    runtime: str,
    signature: str | None,
    out: Path | None,
    seed: int,
    overwrite: bool,
) -> None:
    """Write SAVED_MODEL as a file for another runtime, and compare what both give.

    TensorFlow Serving needs no conversion: it takes the folder above a numbered version.
    """
    out = out or Path("applied") / f"model{SUFFIXES[runtime]}"
    if runtime == "litert" and signature is not None:
        raise click.UsageError("Expected no --signature for litert, whose file holds all of them.")
    from applications import serving

    with usage():
        try:
            serving.checked_place(out, SUFFIXES[runtime], overwrite)
        except FileExistsError as error:
            raise ValueError(str(error)) from None
    if runtime == "onnx" and not serving.onnx_installed():
        raise click.UsageError(
            "ONNX Runtime and what converts to it are not installed: pip install 'repzoo[serving]'."
        )
    model = open_saved_model(saved_model, ())
    with quiet_tensorflow(), usage():
        if runtime == "onnx":
            converted = serving.to_onnx(model, out, signature or "encode", seed, overwrite)
        else:
            converted = serving.to_litert(model, out, seed, overwrite)
    rows = [(name, f"{gap:.2g}") for name, gap in converted.differences.items()]
    print_table(("signature", "largest difference"), *rows)
    click.echo(converted.path)
