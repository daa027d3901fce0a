"""``penstock demo``: one real cycle of the metrics pipeline, and everything that it left, in a minute's reading."""

from __future__ import annotations

from typing import Any

from penstock.cli import output
from penstock.cli.live import run_and_show
from penstock.cli.observe import alarm_rows, print_alarms
from penstock.cli.options import Options

PIPELINE = "metrics"
QUESTION = """SELECT metric_type, round(avg(value), 2) AS average, max(value) AS highest, any_value(unit) AS unit,
       count(*) AS readings
FROM infra_metrics GROUP BY metric_type ORDER BY metric_type"""


def show_demo(options: Options) -> bool:
    """Runs the pipeline and prints what it left; True if it succeeded."""
    from penstock.cli import diagram

    definition = options.catalog().load(PIPELINE)
    out = output.console()
    _heading("1. The pipeline: four collectors at once, then a processor for each object that they write")
    workflow = definition.workflows[PIPELINE]
    out.print(diagram.text(workflow.definition, width=110).split("\n\n")[0], markup=False)
    _heading("2. One real cycle on this machine")
    ended = run_and_show(options, PIPELINE, None, {})
    if ended.exit_code:
        return False
    home = options.open_home()
    try:
        _stored(home, definition)
        _heading("4. An answer in SQL, over the raw files")
        out.print(QUESTION, style="dim", markup=False)
        result = home.query.run(QUESTION, tables=list(definition.lake_tables.values()))
        output.table([column.name for column in result.columns], [list(row) for row in result.rows])
        _heading("5. The alarms")
        print_alarms([row for row in alarm_rows(home, {PIPELINE: definition}) if not row[0].startswith("dead-man-")])
        watched = sum(alarm.derived for alarm in definition.alarms.values())
        out.print(f"and {watched} dead-man alarms, one for each collector and data set", style="dim")
    finally:
        home.close()
    _next(ended.execution.id)
    return True


def _heading(text: str) -> None:
    out = output.console()
    out.print()
    out.print(text, style="bold cyan", markup=False)


def _stored(home: Any, definition: Any) -> None:
    _heading("3. What was stored where")
    table = definition.lake_tables["infra_metrics"]
    hot = definition.hot_tables["InfraMetrics"]
    infos = list(home.objects.list(f"raw/{table.name}/"))
    rows = [[f"lake/{info.key}", output.size(info.size)] for info in infos[-4:]]
    output.table([f"raw objects in {home.path.name} ({len(infos)} so far, the newest)", "size"], rows)
    items = home.hot.scan(hot, limit=1000).items
    newest = sorted(items, key=lambda item: item["timestamp"])[-4:]
    output.table(
        [f"items of {hot.name} ({home.hot.count(hot)} so far)", "value", "unit", "severity"],
        [[item["metric_id"], item["value"], item["unit"], item["severity"]] for item in newest],
    )


def _next(execution: str) -> None:
    _heading("What to type next")
    for command, meaning in (
        ("penstock show metrics", "the whole pipeline: schedule, tables, grants, alarms"),
        (f"penstock executions {execution}", "what ran, with inputs, outputs and timings"),
        ("penstock items InfraMetrics cpu --index MetricTypeIndex --latest", "the newest CPU readings"),
        ("""penstock run metrics --input '{"fleet": {"instances": 20, "seed": 7}}'""", "a simulated fleet"),
        ("penstock up", "follow the schedule: every three hours, until Ctrl-C"),
        ("penstock init my-pipeline", "begin your own"),
    ):
        output.console().print(f"  {command:<72} {meaning}", markup=False)
