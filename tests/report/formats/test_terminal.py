"""The headline as text, at the widths that terminals have."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from rich.console import Console

from sedscope.analysis.pipeline.results import CouplingSeries, RunAnalysis, TaskMetrics
from sedscope.analysis.statistics.grokking import Grokking, Phases
from sedscope.analysis.undefined import Undefined
from sedscope.report.formats.terminal import print_run


def drawn(run: RunAnalysis, width: int = 80, *, crossed: bool = False) -> list[str]:
    """The lines without the blanks at their ends."""
    stream = io.StringIO()
    print_run(run, Console(file=stream, width=width, highlight=False), crossed=crossed)
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def test_one_task_fits_80_columns(one_task: RunAnalysis) -> None:
    assert drawn(one_task) == [
        "add  tasks add · t 0–2,000 · P 131,072 · finished",
        "  fixed_gradient/add at t = 2,000: no control was measured (control/shuffled/add",
        "  was not analysed), so nothing says whether it serves the task; 19× [15–23]",
        "  displacement, not known after norms are matched (it was not measured)",
        "  task  grok step  at 0.98  memorised  delay  chance  every  rank 0/max/end",
        "  add   1,600      2,000    200        1,400  0.0100  25     62 / 96 / 51",
        "",
        "R̄_k, 95 % interval  W 20, K 3, trailing · target logit, exact · N 1024 · B 5",
        "source              peak           final          peak at t",
        "fixed_gradient/add  109 98–120 †   108 97–118         1,000",
        "update              28.0 25–31 ~†  21.5 19–24         1,000",
        "displacement        9.23 8.3–10 †  5.81 5.2–6.4       1,000",
        "  ~ flat spectrum: which directions are the top K is arbitrary there",
        "  † a peak at an edge of what was seen, the first full window or the last",
        "    checkpoint: it may be higher beyond",
    ]


def test_phases_stand_apart_with_their_numbers_of_checkpoints(one_task: RunAnalysis) -> None:
    """The head says how many as a rule; a cell says it where it differs."""
    *others, last = one_task.coupling
    coupling = [replace(series, phases=Phases((1000,), (2000,), ())) for series in others]
    coupling.append(replace(last, phases=Phases((), (), (1000, 2000))))
    lines = drawn(replace(one_task, coupling=tuple(coupling)))
    start = lines.index("source              before (1)     at grok (1)    after (2)")
    assert lines[start - 1] == "mean R̄_k over checkpoints (their number) before, at and after the grok step"
    assert lines[start + 1 : start + 4] == [
        "fixed_gradient/add  109 98–120     108 97–118     — [1]",
        "update              28.0 25–31     21.5 19–24     — [1]",
        "displacement        — [1]          — [1]          7.52 6.8–8.3",
    ]
    assert "  [1] undefined: no full window lies there" in lines


def test_phases_need_a_number_before_or_at_the_grok_step(four_tasks: RunAnalysis) -> None:
    """Each task has its own table, whose grok step is its own; one with numbers after it alone has none."""
    of_task = {
        "add": Phases((1000,), (2000,), ()),
        "sub": Phases((), (1000,), (2000,)),
        "mul": Phases((), (), (1000, 2000)),
        "x2y2": Phases(Undefined("no grok"), Undefined("no grok"), Undefined("no grok")),
    }
    coupling = [replace(series, phases=of_task[series.task]) for series in four_tasks.coupling]
    lines = drawn(replace(four_tasks, coupling=tuple(coupling)))
    start = lines.index("mean R̄_k over checkpoints (their number) before, at and after the grok step")
    assert lines[start + 1 : start + 9] == [
        "add",
        "source                 before (1)     at grok (1)    after (0)",
        "fixed_gradient/<task>  38.0 34–42     19.0 17–21     — [2]",
        "displacement           2.61 2.3–2.9   1.44 1.3–1.6   — [2]",
        "sub",
        "source                 before (0)     at grok (1)    after (1)",
        "fixed_gradient/<task>  — [2]          39.0 35–43     20.0 18–22",
        "displacement           — [2]          2.61 2.3–2.9   1.44 1.3–1.6",
    ]
    assert not {"mul", "x2y2"} & set(lines)
    after_alone = [series for series in coupling if series.task == "mul"]
    assert not [line for line in drawn(replace(four_tasks, coupling=tuple(after_alone))) if line.startswith("mean R̄_k")]


def test_four_tasks_share_rows_and_stand_side_by_side_where_they_fit(four_tasks: RunAnalysis) -> None:
    wide = drawn(four_tasks, 120)
    assert wide[16:21] == [
        "source                        add             sub             mul             x2y2",
        "fixed_gradient/<task>  peak   38.0 34–42 †    39.0 35–43 †    40.0 36–44 †    41.0 37–45 †",
        "                       final  19.0 17–21      20.0 18–22      21.0 19–23      22.0 20–24",
        "displacement           peak   2.61 2.3–2.9 †  2.61 2.3–2.9 †  2.61 2.3–2.9 †  2.61 2.3–2.9 †",
        "                       final  1.44 1.3–1.6    1.44 1.3–1.6    1.44 1.3–1.6    1.44 1.3–1.6",
    ]
    narrow = drawn(four_tasks, 80)
    assert [line for line in narrow if line.startswith("source")] == [
        "source                        add             sub",
        "source                        mul             x2y2",
    ]


def test_the_caption_counts_the_batches_that_were_taken(one_task: RunAnalysis) -> None:
    first, *others = one_task.coupling
    points = tuple(replace(point, effective_examples=np.array([340.0])) for point in first.points)
    lines = drawn(replace(one_task, coupling=(replace(first, points=points), *others)))
    assert "R̄_k, 95 % interval  W 20, K 3, trailing · target logit, exact · N 1024 · B 1" in lines


def test_nothing_is_wider_than_the_console(one_task: RunAnalysis, four_tasks: RunAnalysis) -> None:
    for run in (one_task, four_tasks):
        for width in (60, 80, 120):
            assert max(map(len, drawn(run, width))) <= width + 1  # the combining macron of R̄ takes no column


def test_what_is_undefined_is_a_numbered_note(
    four_tasks: RunAnalysis, undefined_series: Callable[[str, str, str], CouplingSeries]
) -> None:
    absent = undefined_series("gradient/mul", "mul", "gradient/mul: no committed rows yet")
    lines = drawn(replace(four_tasks, coupling=(*four_tasks.coupling, absent)), 120)
    assert lines[12] == "  mul   — [1]      — [1]    200        — [1]  0.0100  25     62 / 96 / 51"
    assert lines[21].split() == ["gradient/<task>", "peak", "—", "[2]"]
    assert lines[-2:] == [
        "  [1] undefined: test accuracy of mul never reached 0.5 in 81 evaluations (highest 0.12)",
        "  [2] undefined: gradient/mul: no committed rows yet",
    ]


def test_the_cadence_is_undefined_for_the_reason_of_the_milestones(one_task: RunAnalysis) -> None:
    never = Undefined("test_acc/add was never logged")
    lines = drawn(replace(one_task, metrics=(TaskMetrics("add", Grokking((never, never), never, never, 0.01)),)))
    row = next(line for line in lines if line.startswith("  add "))
    assert row.split() == ["add", *["—", "[1]"] * 4, "0.0100", "—", "[1]", "62", "/", "96", "/", "51"]


def test_crossed_rows_carry_full_names(four_tasks: RunAnalysis) -> None:
    lines = drawn(four_tasks, 120, crossed=True)
    matrix = lines[: next(index for index, line in enumerate(lines) if line.startswith("  †"))]
    assert [line.split()[0] for line in matrix if "peak" in line and "source" not in line] == [
        "fixed_gradient/add",
        "fixed_gradient/sub",
        "fixed_gradient/mul",
        "fixed_gradient/x2y2",
        "displacement",
    ]


def test_without_coupling_the_spectra_are_shown(one_task: RunAnalysis) -> None:
    bare = replace(one_task, tasks=(), metrics=(), rank90=(), coupling=(), notes=("coupling is unknown",))
    assert drawn(bare) == [
        "add  tasks none named · t 0–2,000 · P 131,072 · finished",
        "source  window at t  rows  k*   gap  participation",
        "update           25     3   1  2.00           1.62",
        "  note coupling is unknown",
    ]


def test_damage_is_said_below_the_numbers(one_task: RunAnalysis) -> None:
    damaged = replace(one_task, state="damaged", damage=("shards/0001-000002.safetensors: missing",))
    lines = drawn(damaged, 100)
    assert lines[0].endswith("damaged")
    assert "  damaged shards/0001-000002.safetensors: missing; the numbers are those of what is good" in lines


def test_markup_in_a_name_is_shown_as_it_is(one_task: RunAnalysis) -> None:
    lines = drawn(replace(one_task, name="a[/foo]b[bold]c", tasks=("add",)))
    assert lines[0].startswith("a[/foo]b[bold]c  tasks add")
