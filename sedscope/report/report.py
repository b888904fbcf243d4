"""The report: finds the runs, analyses one after the other, shows each as it is ready, and writes the files.

Decides what becomes of a run that cannot be analysed: the others are reported, it is listed, and the status says so.
Leaves to others: the numbers (`analysis`), their looks (`terminal`) and the file's shape (`report_json`).
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from io import StringIO, TextIOWrapper
from pathlib import Path

from rich.console import Console
from rich.text import Text

from recorders.errors import EXIT_CHECK_FAILED, EXIT_DAMAGED, EXIT_INPUT_OUTPUT, EXIT_OK, DamagedError, SedscopeError
from sedscope.analysis.interventions import InterventionComparison, Outcome, compare, outcome_of
from sedscope.analysis.pipeline.analyse import analyse
from sedscope.analysis.pipeline.results import RunAnalysis
from sedscope.analysis.settings import GrokDefinition
from sedscope.report.document import Document
from sedscope.report.facts import Failure, Reported, RunFacts, exit_status
from sedscope.report.formats.step_summary import append_summary, summary_wanted
from sedscope.report.formats.terminal import print_comparison, print_run
from sedscope.report.formats.whole_files import HTML_NAME, prepare_folder, write_whole
from sedscope.report.gate.baseline import GateAnswer
from sedscope.report.gate.gate import Gate
from sedscope.report.gate.verdict import render_junit, verdicts_section
from sedscope.report.progress import ProgressDisplay
from sedscope.report.question import Question
from sedscope.runs import Run, find_runs, printable
from sedscope.runs.find import run_error
from sedscope.runs.text import printable_path

_OPEN_GATE = Gate()
_SHOWN_PASSED = 20
"""Passed checks are listed up to this many."""


def report_runs(paths: Sequence[Path], question: Question, out: Path | None, gate: Gate = _OPEN_GATE) -> int:
    """Report on runs: a block for each on stdout, progress and failures on stderr, files under `out`.

    Args:
        paths: Runs, or folders of runs.
        question: What is asked of each.
        out: Folder for the files; None for the terminal alone.
        gate: What must hold.

    Returns:
        The exit status: 0, or what the failures say; 4 where any run is damaged; else 1 where a check failed.

    Raises:
        InputOutputError: The files cannot be written.
    """
    if out is not None:
        prepare_folder(out)
    if gate.junit is not None:
        prepare_folder(gate.junit.parent)
    console = _Stdout()
    # A table alone shows none of the second measures, so it does not wait for them.
    table_alone = out is None and gate.is_open and not summary_wanted(os.environ)
    measured = replace(question, settings=question.settings.for_a_table()) if table_alone else question
    reported: list[Reported] = []
    failures: list[Failure] = []
    outcomes: list[Outcome] = []
    for run in _runs(paths):
        result = run if isinstance(run, Failure) else _attempt(run, measured)
        try:
            outcomes += _outcome(run, question.settings.grok)
        except Exception as error:  # noqa: BLE001  one run must not end the report of the others
            result = _failure(Path(run.path), error)
        if isinstance(result, Reported):
            result = _printed(result, console, crossed=question.crossed)
        if isinstance(result, Failure):
            failures.append(result)
        else:
            reported.append(result)
    comparison = None
    try:
        comparison = _comparison_of(outcomes)
        if comparison is not None:
            print_comparison(comparison, console)
    except OSError:  # stdout's own
        raise
    except Exception as error:  # noqa: BLE001  the runs themselves are reported all the same
        failures.append(_failure(Path("comparison of the runs"), error))

    def render(runs: Sequence[Reported]) -> tuple[GateAnswer, Document | None, Mapping[str, str | bytes]]:
        answer = gate.answer(runs, question.settings, comparison)
        if out is None and not summary_wanted(os.environ):
            return answer, None, {}
        # The figures bring matplotlib along: a table on the terminal does not wait for it.
        from sedscope.report.formats.write_files import render_files
        from sedscope.report.sections.compose import compose

        verdicts = None if gate.is_open else verdicts_section(answer.verdicts, answer.notes)
        command = _command(paths, question, out or Path("report"), gate.flags)
        document = compose(runs, failures, question.settings, command, verdicts, comparison)
        analyses = [run.analysis for run in runs]
        return answer, document, render_files(document, analyses, failures, question.settings, comparison)

    try:
        answer, document, files = render(reported)
    except Exception:
        reasons = [_why_unfit(run, render) for run in reported]
        if not any(reasons):
            raise
        failures += filter(None, reasons)
        reported = [run for run, reason in zip(reported, reasons, strict=True) if reason is None]
        answer, document, files = render(reported)
    analyses = [run.analysis for run in reported]
    if document is not None:
        append_summary(document, os.environ)
    if out is not None:
        from sedscope.report.formats.write_files import write_files

        write_files(out, files)
    if gate.junit is not None:
        write_whole(gate.junit, render_junit(answer.verdicts, failures))
    _print_verdicts(answer, console)
    for line in _complaints(analyses, failures):
        _warn(line)
    if analyses:
        console.print(_next_step(paths, question, out), soft_wrap=True)
    status = exit_status(failures, damaged=any(analysis.damage for analysis in analyses))
    if status == EXIT_OK and not all(verdict.passed for verdict in answer.verdicts):
        status = EXIT_CHECK_FAILED
    return EXIT_INPUT_OUTPUT if console.lost_its_reader else status


def _print_verdicts(answer: GateAnswer, console: Console) -> None:
    """Print failed checks with both sides; the others are counted."""
    for verdict in answer.verdicts:
        if not verdict.passed or len(answer.verdicts) <= _SHOWN_PASSED:
            console.print(Text(str(verdict), style="" if verdict.passed else "bold"), soft_wrap=True)
    if answer.verdicts:
        failed = sum(not verdict.passed for verdict in answer.verdicts)
        console.print(f"checks: {len(answer.verdicts) - failed} passed, {failed} failed")


def _runs(paths: Sequence[Path]) -> Iterator[Run | Failure]:
    """Yield the runs behind the paths, each once; what cannot be opened as a failure."""
    seen: set[Path] = set()
    for path in paths:
        try:
            candidates = find_runs(path)
        except Exception as error:  # noqa: BLE001  one path must not end the report of the others
            yield _failure(path, error)
            continue
        for candidate in candidates:
            resolved = candidate.path.resolve()
            if resolved in seen:
                continue
            seen.add(resolved)
            if candidate.run is not None:
                yield candidate.run
            elif candidate.error is not None:
                yield Failure.of(candidate.shown, candidate.error)


def _printed(result: Reported, console: Console, *, crossed: bool) -> Reported | Failure:
    """Print the block of one run; return the run, or the failure where its values cannot be shown."""
    try:
        print_run(result.analysis, console, crossed=crossed)
        console.print()
    except OSError:  # stdout's own
        raise
    except Exception as error:  # noqa: BLE001  one run must not end the report of the others
        return _failure(Path(result.analysis.path), error)
    return result


def _why_unfit(run: Reported, render: Callable[[Sequence[Reported]], object]) -> Failure | None:
    """Return the failure of a run that cannot be rendered even alone; None where it is not the one to blame."""
    try:
        render([run])
    except SedscopeError:  # of the question, not of the run
        return None
    except Exception as error:  # noqa: BLE001  one run must not end the report of the others
        return _failure(Path(run.analysis.path), error)
    return None


def _failure(path: Path, error: Exception) -> Failure:
    return Failure.of(printable_path(path), run_error(path, error))


def _attempt(run: Run, question: Question) -> Reported | Failure:
    """Return the analysis of a run; where damage turns up on the way, that of its good prefix."""
    try:
        try:
            return _analyse(run, question)
        except DamagedError:
            if run.damage or not run.verify():
                raise
            return _analyse(run, question)
    except Exception as error:  # noqa: BLE001  one run must not end the report of the others
        failure = _failure(run.path, error)
        # What a damaged run lacks, the damage took.
        return (
            replace(failure, reason=f"{_damage(run)}; {failure.reason}", status=EXIT_DAMAGED) if run.damage else failure
        )


def _outcome(run: Run | Failure, definition: GrokDefinition) -> list[Outcome]:
    """Return what a run says in a comparison, also one that is too short to be analysed: it must not be missing."""
    if isinstance(run, Failure):
        return []
    try:
        return [outcome_of(run, definition)]
    except SedscopeError as error:
        _warn(f"{printable_path(run.path)}: no part of the comparison: {error}")
        return []


def _comparison_of(outcomes: Sequence[Outcome]) -> InterventionComparison | None:
    comparison = compare(outcomes)
    return comparison if comparison.has_intervention else None


def _damage(run: Run) -> str:
    good = "nothing" if run.good is None else f"t = {run.good[0]}–{run.good[1]}"
    return f"damaged: {run.damage[0]}; good: {good}"


def _analyse(run: Run, question: Question) -> Reported:
    with ProgressDisplay(sys.stderr, run.name) as display:
        analysis = analyse(
            run, question.settings, question.sources, question.tasks, question.crossed, progress=display.update
        )
    return Reported(analysis, RunFacts.of(run))


def _complaints(analyses: Sequence[RunAnalysis], failures: Sequence[Failure]) -> Iterator[str]:
    """Yield what is wrong with which run, and up to where a damaged one is good."""
    for run in analyses:
        good = "nothing" if run.steps is None else f"t = {run.steps[0]}–{run.steps[1]}"
        for damage in run.damage:
            yield f"{run.path}: damaged: {damage}; good: {good}"
    for failure in failures:
        yield f"{failure.path}: {failure.reason}"


class _Stdout(Console):
    """Stdout, also where it is closed, cannot hold every sign, or loses its reader on the way."""

    def __init__(self) -> None:
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")
        super().__init__(file=sys.stdout or StringIO(), highlight=False)
        self.lost_its_reader = False

    def on_broken_pipe(self) -> None:
        """Say no more, quietly; the files are still written."""
        self.quiet = self.lost_its_reader = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _warn(message: str) -> None:
    if sys.stderr is not None:
        print(f"sedscope: {message}", file=sys.stderr)


def _next_step(paths: Sequence[Path], question: Question, out: Path | None) -> Text:
    """Return the command or the file that a reader of the table will want next."""
    if out is None:
        command = _command(paths, question, Path("report"))
        return Text.assemble(("next: ", "dim"), command, ("  (report.html)", "dim"))
    return Text.assemble(("wrote ", "dim"), printable_path(out / HTML_NAME))


def _command(paths: Sequence[Path], question: Question, out: Path, flags: Sequence[str] = ()) -> str:
    return printable(" ".join(filter(None, (question.command(paths, out), shlex.join(flags)))), 16_384)
