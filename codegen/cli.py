"""The command line: each command puts the parts together and prints what it did.

Every command takes `--json FILE`. Errors are one line on standard error, exit code 2; see the table
in the README.
"""

from __future__ import annotations

import itertools
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from shiftloom import comparison, compression, flow, opened, results, simulation, synthesis
from shiftloom.codegen import boards as board_list
from shiftloom.codegen import config as configuration
from shiftloom.codegen import fileset, tables
from shiftloom.codegen.config import Config, TargetConfig
from shiftloom.codegen.errors import ShiftloomError
from shiftloom.codegen.graph import Frames
from shiftloom.codegen.paper_command import paper
from shiftloom.codegen.pruning import prune as prune_graph
from shiftloom.codegen.quantize import Quantized, weight_traffic
from shiftloom.codegen.quantize import quantize as quantize_graph
from shiftloom.models import registry
from shiftloom.opened import OpenedBuild
from shiftloom.rtl_sim.cache import Cache
from shiftloom.rtl_sim.engine import Stall
from shiftloom.subject import Subject, count, part

app = typer.Typer(
    name="shiftloom",
    help="Trained neural networks to bit-exact FPGA accelerators.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(paper)
INTERRUPTED = 130
"""Exit code of a run that was stopped by Ctrl-C."""

console = Console(width=None if sys.stdout.isatty() else 120)

NetworkName = Annotated[
    str | None, typer.Argument(metavar="NETWORK", help="Name of a network in models/, as lenet5.")
]
Model = Annotated[
    Path | None, typer.Option(metavar="FILE", help="An ONNX, QONNX or TFLite file instead.")
]
Calibration = Annotated[
    Path | None,
    typer.Option(help="Calibration frames, .npz or .npy; default: the network's own."),
]
FrameFile = Annotated[
    Path | None,
    typer.Option("--frames", help="Test frames `x` and labels `y`, .npz, or .npy of frames."),
]
Folder = Annotated[Path, typer.Argument(help="Build folder.")]
Json = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")]
Checkpoint = Annotated[
    Path | None, typer.Option(help="state_dict (.pt); default: the shipped one.")
]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="Settings, .yaml or .toml.")]
BoardName = Annotated[str | None, typer.Option(help="Board, see `shiftloom boards`.")]
Fps = Annotated[float | None, typer.Option(help="Frames/s to reach; default: the fastest plan.")]
Data = Annotated[Path | None, typer.Option(help="Folder with the original data files.")]
Images = Annotated[int | None, typer.Option(min=1, help="Test images; default: all.")]
CacheFolder = Annotated[
    Path | None, typer.Option("--cache", help="Folder of compiled simulations and synthesis.")
]


@app.command()
def quantize(
    network: NetworkName = None,
    model: Model = None,
    calibration: Calibration = None,
    frame_file: FrameFile = None,
    checkpoint: Checkpoint = None,
    config: ConfigFile = None,
    data: Data = None,
    json: Json = None,
) -> None:
    """Quantize a network and compare float with integer, layer by layer."""
    subject = Subject(network, model, checkpoint, data)
    quantized = _quantized(subject, calibration, _config(subject, config))
    shapes = {source.name: source.shape for source in quantized.graph.inputs}
    frames, labels = subject.test(shapes, frame_file)
    if isinstance(frames, Mapping):
        raise ShiftloomError(
            quantized.graph.name,
            f"has {len(shapes)} inputs, a profile compares networks of one",
            "build it and simulate it",
        )
    profile = flow.layer_profile(quantized, frames)
    traffic = weight_traffic(quantized.qgraph)
    console.print(tables.profile_table(profile))
    accuracy = None if labels is None else flow.accuracy(quantized, frames, labels)
    console.print(
        f"{len(frames):,} images: "
        + (f"float {accuracy.real:.2%}, integer {accuracy.quantized:.2%}; " if accuracy else "")
        + f"weights {traffic.quantized_bits:,} bits, {traffic.saving:.2%} DRAM energy saved"
    )
    _write_json(
        json,
        {
            "accuracy": {"float": accuracy.real, "quantized": accuracy.quantized}
            if accuracy
            else None,
            "images": len(frames),
            "profile": [{**asdict(row), "sqnr_db": repr(row.sqnr_db)} for row in profile],
            "weight_bits": traffic.quantized_bits,
            "dram_energy_saving": traffic.saving,
        },
    )


@app.command()
def prune(
    network: NetworkName = None,
    model: Model = None,
    calibration: Calibration = None,
    frame_file: FrameFile = None,
    checkpoint: Checkpoint = None,
    config: ConfigFile = None,
    board: BoardName = None,
    target_fps: Fps = None,
    data: Data = None,
    json: Json = None,
) -> None:
    """Prune a network and compare it with the whole one: weights, hardware, accuracy."""
    subject = Subject(network, model, checkpoint, data)
    settings = _config(subject, config, board, target_fps)
    with console.status("Pruning, quantizing and scheduling"):
        graph = subject.graph()
        shapes = {source.name: source.shape for source in graph.inputs}
        has_test = network is not None or frame_file is not None
        test = subject.test(shapes, frame_file) if has_test else None
        frames = subject.calibration(graph, calibration)
        sides = comparison.compare(graph, frames, settings, test)
    console.print(tables.layer_changes_table(comparison.layer_rows(*sides)))
    console.print(tables.changes_table(comparison.figure_rows(*sides)))
    for note in comparison.notes(*sides):
        console.print(note, markup=False)
    _write_json(json, comparison.figures(*sides))


@app.command()
def build(
    network: NetworkName = None,
    model: Model = None,
    calibration: Calibration = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="Parent of the build.")] = Path(
        "out"
    ),
    checkpoint: Checkpoint = None,
    config: ConfigFile = None,
    board: BoardName = None,
    target_fps: Fps = None,
    data: Data = None,
    json: Json = None,
) -> None:
    """Generate the accelerator: SystemVerilog, HLS C++, weights, plan and golden model."""
    subject = Subject(network, model, checkpoint, data)
    settings = _config(subject, config, board, target_fps)
    quantized = _quantized(subject, calibration, settings)
    result = _build(quantized, settings, output / quantized.qgraph.name)
    console.print(tables.units_table(results.unit_rows(result)))
    console.print(tables.fifos_table(results.fifo_rows(result)))
    console.print(tables.figures_table(results.figure_rows(results.figures(result), result)))
    console.print(f"Build: {result.folder}")
    _write_json(json, results.figures(result))


@app.command()
def compress(
    network: NetworkName = None,
    model: Model = None,
    calibration: Calibration = None,
    frame_file: FrameFile = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Default: out/NETWORK.slw.")
    ] = None,
    prune: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[LAYER=]SHARE", help="Of the float weights, the share to make 0; repeatable."
        ),
    ] = None,
    share_bits: Annotated[
        list[str] | None,
        typer.Option(metavar="[LAYER=]BITS", help="Give a layer 2^BITS values; repeatable."),
    ] = None,
    checkpoint: Checkpoint = None,
    config: ConfigFile = None,
    data: Data = None,
    images: Images = None,
    json: Json = None,
) -> None:
    """Write the quantized weights to one Huffman coded file; with --prune, Deep Compression's."""
    subject = Subject(network, model, checkpoint, data)
    if prune or share_bits:
        if config or calibration:
            raise ShiftloomError(
                "--prune and --share-bits",
                "compress a float network",
                "leave out --config and --calibration",
            )
        made = compression.compress_shared(subject.graph(), prune or (), share_bits or ())
    else:
        settings = _config(subject, config)
        made = compression.compress_quantized(_quantized(subject, calibration, settings), settings)
    path = output or Path("out") / f"{made.graph.name}.slw"
    fileset.write_file(path, made.data)
    _show_file(path, made.expanded)
    with console.status("Accuracy"):
        accuracy = compression.accuracy(made, subject, frame_file, images)
    if accuracy is not None:
        console.print(
            f"{accuracy.images:,} images: float {accuracy.real:.2%}, "
            f"read back from the file {accuracy.quantized:.2%}"
        )
    figures = made.expanded.figures()
    _write_json(json, {**figures, "accuracy": asdict(accuracy) if accuracy else None})


@app.command()
def expand(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of shiftloom compress.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the real weights here, .npz.")
    ] = None,
    json: Json = None,
) -> None:
    """Decode a compressed file, say what is in it, and write the weights as real numbers."""
    expanded = compression.expand(compression.read(file), str(file))
    _show_file(file, expanded)
    if output is not None:
        fileset.write_file(output, expanded.arrays())
    _write_json(json, expanded.figures())


@app.command()
def simulate(
    folder: Folder,
    backend: Annotated[str, typer.Option(help="rtl, hls or both.")] = "both",
    images: Images = None,
    first: Annotated[int, typer.Option(min=0, help="First test image.")] = 0,
    stall_seed: Annotated[
        int | None, typer.Option(help="Random stalls on both ends of the RTL, with this seed.")
    ] = None,
    network: Annotated[
        str | None, typer.Option(help="Whose test set; default: the build's.")
    ] = None,
    frame_file: FrameFile = None,
    data: Data = None,
    cache: CacheFolder = None,
    json: Json = None,
) -> None:
    """Run test images through HLS C++ and RTL and compare every output integer."""
    if backend not in ("rtl", "hls", "both"):
        raise ShiftloomError("--backend", f"unknown backend {backend!r}", "use rtl, hls or both")
    target = opened.open_build(folder)
    subject = Subject(network or registry.known(target.design.name), data=data)
    shapes = {source.name: source.tensor.shape for source in target.qgraph.inputs}
    frames, labels = subject.test(shapes, frame_file)
    last = None if images is None else first + images
    stall = None if stall_seed is None else Stall(stall_seed)
    if first >= count(frames):
        raise ShiftloomError("--first", f"{first}", f"the test set has {count(frames)} images")
    labels = None if labels is None else labels[first:last]
    runs = _simulate(target, backend, part(frames, first, last), labels, cache, stall, first)
    console.print(tables.accuracy_table([results.run_row(run) for run in runs]))
    _write_json(json, {run.backend: asdict(run) for run in runs})
    _fail_on_mismatch(runs)


@app.command()
def report(folder: Folder, cache: CacheFolder = None, json: Json = None) -> None:
    """Synthesize with Yosys and write report.html with all results so far."""
    target = opened.open_build(folder)
    _synthesize(target, cache)
    path = results.write_report(target)
    found = results.figures(target)
    console.print(tables.figures_table(results.figure_rows(found, target)))
    console.print(f"Report: {path}")
    _write_json(json, found)


@app.command()
def implement(
    folder: Folder,
    flow_name: Annotated[str, typer.Option("--flow", help="Only `open`: Yosys, nextpnr.")] = "open",
    json: Json = None,
) -> None:
    """Place and route for an ECP5-85k with open tools; prints the Fmax, writes the bitstream."""
    from shiftloom.rtl_sim.implement import implement_ecp5

    if flow_name != "open":
        raise ShiftloomError("--flow", f"unknown flow {flow_name!r}", "use open")
    target = opened.open_build(folder)
    with console.status("Yosys, nextpnr and ecppack for ECP5-85k"):
        result = implement_ecp5(
            target.sources(), target.design.name, target.results / "ecp5", device="85k"
        )
    for clock, fmax in result.fmax_mhz.items():
        console.print(f"Fmax of {clock}: {fmax:.1f} MHz after place and route on ECP5-85k")
    console.print(f"Bitstream: {result.bitstream}")
    if result.wrapped:
        console.print("The ports are serialised to fit the package: it measures the clock only.")
    _write_json(json, {**asdict(result), "bitstream": str(result.bitstream)})


@app.command()
def calibrate(
    cache: CacheFolder = None,
    output: Annotated[Path, typer.Option(help="Where the fitted models go.")] = Path("cost.json"),
    json: Json = None,
) -> None:
    """Fit the resource models anew to Yosys runs of sample units."""
    from shiftloom import fitting

    with _progress("Yosys runs") as advance:
        fitted = fitting.fit(_cache(cache), advance)
    fileset.write_file(output, fileset.json_bytes(fitted.data()))
    console.print(fitted.table())
    _write_json(json, fitted.data())


@app.command()
def check(
    model: Annotated[Path, typer.Argument(metavar="FILE", help="ONNX, QONNX or TFLite model.")],
    json: Json = None,
) -> None:
    """List every node of a model that cannot be built, the reason, and what would help."""
    from shiftloom.codegen import checking
    from shiftloom.codegen.frontends.files import survey_file

    findings = survey_file(model)
    console.print(checking.findings_table(model, findings))
    _write_json(json, [asdict(finding) for finding in findings])
    if findings:
        raise typer.Exit(2)


@app.command()
def train(
    network: Annotated[str, typer.Argument(metavar="NETWORK", help="Name of a network or recipe.")],
    out: Annotated[Path, typer.Option(help="Folder for the results; an older run goes on.")],
    recipe: Annotated[Path | None, typer.Option(help="Recipe, .yaml; default: shipped.")] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Weights that a tuning starts from; default: shipped.")
    ] = None,
    teacher: Annotated[
        Path | None, typer.Option(help="Weights of the recipe's teacher; default: shipped.")
    ] = None,
    data: Data = None,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 1,
    json: Json = None,
) -> None:
    """Train a network by its recipe, or tune one with quantized weights and activations."""
    import torch

    from shiftloom.models.recipe import load_recipe
    from shiftloom.models.training.loop import Epoch
    from shiftloom.training import Job

    torch.set_num_threads(threads)
    job = Job(network, load_recipe(network, recipe), data, checkpoint, teacher)
    steps, done = job.steps(), itertools.count(1)
    with _progress(network) as advance:

        def on_epoch(epoch: Epoch) -> None:
            console.print(
                f"epoch {epoch.number:3}  loss {epoch.loss:.4f}  held-out {epoch.validation:.2%}"
            )

        found = job.run(out, on_epoch, lambda: advance(next(done), steps))
    console.print(f"{found.path}: {found.test:.2%} of {found.images:,} test images")
    _write_json(json, {**asdict(found), "path": str(found.path)})


@app.command()
def search(
    network: NetworkName = None,
    model: Model = None,
    calibration: Calibration = None,
    frame_file: FrameFile = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Settings; default: out/NETWORK.yaml.")
    ] = None,
    budget_bits: Annotated[
        float | None, typer.Option(min=0, help="Bits of all weights, α included.")
    ] = None,
    budget_luts: Annotated[
        float | None, typer.Option(min=0, help="Predicted LUTs at the rate of --target-fps.")
    ] = None,
    budget_energy: Annotated[
        float | None, typer.Option(min=0, help="Picojoules to load all weights from DRAM.")
    ] = None,
    front: Annotated[
        int | None, typer.Option(min=2, help="Show the best at so many budgets as well.")
    ] = None,
    candidates: Annotated[
        Path | None, typer.Option(help="Settings to choose from, .yaml; default: φ of 1, 2, 4.")
    ] = None,
    by: Annotated[str, typer.Option(help="divergence, loss or hessian.")] = "divergence",
    checkpoint: Checkpoint = None,
    config: ConfigFile = None,
    board: BoardName = None,
    target_fps: Fps = None,
    data: Data = None,
    images: Images = None,
    json: Json = None,
) -> None:
    """Choose settings layer by layer: the least damage within a budget."""
    from shiftloom import search as searching
    from shiftloom import search_results as found

    subject, measure = Subject(network, model, checkpoint, data), searching.measure(by)
    fps = _config(subject, config, board, target_fps).target.fps
    budget = searching.budget(budget_bits, budget_luts, budget_energy, fps, front)
    plain = _plain(config, board, target_fps)
    problem = searching.problem(subject, calibration, plain, candidates, budget.meter)
    targets = found.targets(output, budget, front, problem.network.name)
    with _progress("Damage and cost") as advance:
        space = searching.explore(problem, measure, advance)
    test = found.test_set(subject, problem.graph, frame_file, images)
    with _progress("Networks") as advance:
        outcome = found.outcome(space, measure, budget, front, test, advance)
    console.print(tables.choices_table(outcome.layers, budget.meter.unit))
    console.print(tables.measured_table(outcome.rows, budget.meter.unit))
    for target, content in targets.files(outcome).items():
        fileset.write_file(target, content)
        console.print(f"Written: {target}")
    _write_json(json, outcome.figures())


@app.command()
def boards(json: Json = None) -> None:
    """List the known boards."""
    known = [board_list.get(name) for name in board_list.known()]
    console.print(tables.boards_table(known))
    _write_json(json, [asdict(board) for board in known])


@app.command()
def doctor(json: Json = None) -> None:
    """Say which tools are found, in which version, and what to install for the missing ones."""
    from shiftloom.rtl_sim import tools

    found = tools.find_all()
    console.print(tables.tools_table(found))
    _write_json(json, [asdict(status) for status in found])
    if not all(status.found for status in found):
        raise typer.Exit(2)


@app.command()
def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="Parent of the build.")] = Path(
        "out"
    ),
    images: Images = None,
    cache: CacheFolder = None,
    json: Annotated[Path | None, typer.Option("--json", help="Default: out/demo.json.")] = None,
) -> None:
    """LeNet-5 without a DSP block, from the checkpoint to bit-exact RTL and HLS on all of MNIST."""
    network, settings = "lenet5", Config(target=TargetConfig(dsp_share=0))
    quantized = _quantized(Subject(network), None, settings)
    target = _build(quantized, settings, output / network)
    frames, labels = flow.evaluation_set(network)
    assert labels is not None
    frames, labels = frames[:images], labels[:images]
    with console.status("Golden model"):
        results.save_quantization(
            target,
            flow.accuracy(quantized, frames, labels),
            flow.layer_profile(quantized, frames),
        )
    runs = _simulate(target, "both", frames, labels, cache)
    _synthesize(target, cache)
    path = results.write_report(target)
    found = results.figures(target)
    console.print(tables.accuracy_table(results.accuracy_rows(target)))
    console.print(tables.figures_table(results.figure_rows(found, target)))
    console.print(f"Report: {path}")
    _write_json(json or output / "demo.json", found)
    _fail_on_mismatch(runs)


def _config(
    subject: Subject, path: Path | None, board: str | None = None, fps: float | None = None
) -> Config:
    """A tuned network's settings, the file's over them, the command line's over both."""
    tuned = subject.tuned()
    base = tuned.settings if tuned else {}
    settings = configuration.load(path, base) if path else configuration.parse(dict(base))
    target = settings.target
    if board is not None:
        target = replace(target, board=board)
    if fps is not None:
        if not 0 < fps < float("inf"):
            raise ShiftloomError("--target-fps", f"{fps:g}", "give a positive rate")
        target = replace(target, fps=fps)
    board_list.get(target.board)
    return replace(settings, target=target)


def _plain(path: Path | None, board: str | None, fps: float | None) -> dict[str, Any]:
    """What `_config` accepts as plain data: the file's settings, the command line's over them."""
    data = configuration.read(path) if path else {}
    given = {key: value for key, value in (("board", board), ("fps", fps)) if value is not None}
    return {**data, "target": {**data.get("target", {}), **given}} if given else data


def _quantized(subject: Subject, calibration: Path | None, settings: Config) -> Quantized:
    with console.status("Quantizing"):
        graph, tuned = subject.graph(), subject.tuned()
        if tuned is not None:
            return quantize_graph(graph, None, settings, tuned.fitted)
        graph = prune_graph(graph, settings)
        return quantize_graph(graph, subject.calibration(graph, calibration), settings)


def _build(quantized: Quantized, settings: Config, folder: Path) -> OpenedBuild:
    with console.status("Scheduling and generating"):
        flow.build(quantized, settings, folder)
        return opened.open_build(folder)


def _simulate(
    target: OpenedBuild,
    backend: str,
    frames: Frames,
    labels: flow.Labels | None,
    cache: Path | None,
    stall: Stall | None = None,
    first: int = 0,
) -> list[simulation.Simulation]:
    runs = []
    if backend in ("hls", "both"):
        with _progress("HLS C++ (g++)") as advance:
            runs.append(simulation.simulate_hls(target, frames, labels, _cache(cache), advance))
    if backend in ("rtl", "both"):
        with _progress("RTL (Verilator)") as advance:
            runs.append(
                simulation.simulate_rtl(
                    target, frames, labels, _cache(cache), advance, stall, first
                )
            )
    for run in runs:
        results.save_simulation(target, run)
    return runs


def _show_file(path: Path, expanded: compression.Expanded) -> None:
    console.print(tables.sizes_table(expanded.layers))
    console.print(
        f"{path}: {expanded.content}, {expanded.parameters:,} parameters in {expanded.size:,} bytes"
    )
    console.print(
        f"float32 takes {expanded.ratio:.2f} times as many bytes; "
        f"the codes take {expanded.over_entropy:.3f} times their entropy"
    )


def _synthesize(target: OpenedBuild, cache: Path | None) -> None:
    with _progress("Synthesis (Yosys)") as advance:
        results.save_synthesis(target, synthesis.synthesize_units(target, _cache(cache), advance))


def _fail_on_mismatch(runs: list[simulation.Simulation]) -> None:
    wrong = [run for run in runs if run.mismatches]
    for run in wrong:
        typer.echo(f"{run.backend}: {run.mismatches} wrong outputs. {run.first}", err=True)
    if wrong:
        raise typer.Exit(1)


def _cache(folder: Path | None) -> Cache:
    return simulation.default_cache(folder)


@contextmanager
def _progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar; the yielded function takes (done, of all)."""
    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _write_json(path: Path | None, value: Any) -> None:
    if path is not None:
        fileset.write_file(path, fileset.json_bytes(value))


def main() -> None:
    """Entry point: one-line errors, exit code 2 for a refusal, 130 for an interruption."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = app(standalone_mode=False)
        if code == INTERRUPTED:
            raise KeyboardInterrupt
        sys.exit(code)
    except ShiftloomError as error:
        typer.echo(f"shiftloom: {error}", err=True)
        sys.exit(2)
    except typer.TyperException as error:
        message = error.format_message().rstrip(".") or "no command"
        typer.echo(f"shiftloom: {message}; see --help", err=True)
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("shiftloom: interrupted; nothing half-written was left", err=True)
        sys.exit(INTERRUPTED)
