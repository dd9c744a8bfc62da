"""`python -m tests.simulation`: run many seeds, or show one of them, or look for the deliberate bugs."""

import sys
from pathlib import Path

import click

from tests.simulation.mutants import CORRECT, MUTANTS, Mutant
from tests.simulation.report import Report, find_violation, run_seeds, trace


@click.command()
@click.option("--seeds", default=200, show_default=True, help="How many seeds to run.")
@click.option("--first-seed", default=0, show_default=True)
@click.option("--jobs", default=1, show_default=True, help="Processes to run them in.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the report here.")
@click.option("--seed", type=int, help="Run this one alone and say what became of it.")
@click.option("--trace", "is_traced", is_flag=True, help="With --seed: print everything in it.")
@click.option("--mutant", "mutant_name", help="With --seed: with this deliberate bug.")
@click.option("--mutants", "is_for_mutants", is_flag=True, help="Find each deliberate bug.")
def main(
    *,
    seeds: int,
    first_seed: int,
    jobs: int,
    json_path: Path | None,
    seed: int | None,
    is_traced: bool,
    mutant_name: str | None,
    is_for_mutants: bool,
) -> None:
    """Simulate the replication protocol, seed by seed. Exits with 1 when an invariant breaks."""
    if seed is not None:
        sys.exit(_show(seed, _mutant(mutant_name), is_traced=is_traced))
    if is_for_mutants:
        sys.exit(_find_mutants(seeds))
    report = run_seeds(first_seed, seeds, jobs=jobs, progress=_progress)
    click.echo(file=sys.stderr)
    for line in report.lines():
        click.echo(line)
    if json_path is not None:
        report.write_json(json_path)
    sys.exit(1 if report.shortcomings else 0)


def _show(seed: int, mutant: Mutant, *, is_traced: bool) -> int:
    outcome, lines = trace(seed, mutant=mutant)
    if is_traced:
        for line in lines:
            click.echo(line)
    click.echo(f"seed {seed}: {outcome.violation or 'every invariant held'}")
    click.echo(f"{outcome.events} events, {outcome.faults} faults, digest {outcome.digest}")
    for name, count in outcome.happened.items():
        click.echo(f"  {name:28} {count:5}")
    return 0 if outcome.violation is None else 1


def _find_mutants(seeds_max: int) -> int:
    missed = 0
    for mutant in MUTANTS:
        found = find_violation(mutant, seeds_max=seeds_max)
        missed += found is None
        text = (
            f"not found in {seeds_max} seeds" if found is None else f"seed {found[0]}: {found[1]}"
        )
        click.echo(f"{mutant.name}: {text}")
    return 1 if missed else 0


def _mutant(name: str | None) -> Mutant:
    if name is None:
        return CORRECT
    for mutant in MUTANTS:
        if mutant.name == name:
            return mutant
    raise click.BadParameter(f"{name!r} is none of {[mutant.name for mutant in MUTANTS]}")


def _progress(report: Report) -> None:
    click.echo(f"\r{report.seeds} seeds, {len(report.violations)} violations", nl=False, err=True)


if __name__ == "__main__":
    main()
