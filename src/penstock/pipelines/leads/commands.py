"""``penstock leads …``: rules, models, why a lead has its score, and leads to try things with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from penstock.errors import NotFoundError, UsageError
from penstock.pipelines.leads.saying import explained, judged, say

app = typer.Typer(
    name="leads",
    help="The leads pipeline: its rules, its models, and what they say.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
RULES_FILE = "leads-rules.toml"


@app.command()
def rules(
    context: typer.Context,
    init: Annotated[
        bool, typer.Option("--init", help=f"Write the rules in use to {RULES_FILE}, to be edited.")
    ] = False,
    check: Annotated[Path | None, typer.Option("--check", help="Tell what is wrong with a file of rules.")] = None,
    use: Annotated[Path | None, typer.Option("--use", help="Score by these rules from now on.")] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Score by the rules that come with Penstock.")] = False,
) -> None:
    """Show, edit and choose the rules by which leads are scored."""
    from penstock.pipelines.leads import rules as rulebook

    if check is not None:
        found = rulebook.read_rules(_text(check), str(check))
        say(context, f"{check}: {len(found.rules)} rules, version {found.digest}", {"version": found.digest})
    elif use is not None or reset:
        _choose_rules(context, use)
    elif init:
        _init_rules(context, Path(RULES_FILE))
    else:
        found = _scorers(context).rules
        rows, cleaning = rulebook.describe(found), rulebook.describe_cleaning(found)
        told = "\n".join(
            line for line in (f"cleaning: {cleaning}" if cleaning else "", f"rules {found.digest}") if line
        )
        data = {"version": found.digest, "rules": rows, "cleaning": found.cleaning_options}
        say(context, told, data, rows)


def _choose_rules(context: typer.Context, file: Path | None) -> None:
    from penstock import session
    from penstock.pipelines.leads import pipeline, settings
    from penstock.pipelines.leads.rules import shipped_rules
    from penstock.pipelines.leads.settings import SHIPPED, Settings

    text = None if file is None else _text(file)
    with session(pipeline, context.obj.home, may=[settings.put], create=True) as opened:
        kept = Settings(opened, settings)
        if text is None:
            kept.use("rules", SHIPPED)
            version = shipped_rules().digest
        else:
            version = kept.keep_rules(text, str(file)).digest
    say(context, f"leads are scored by rules@{version} from now on", {"version": version})


def _init_rules(context: typer.Context, path: Path) -> None:
    text = _rules_text(context)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{path} is there already", hint="edit it, or move it away") from None
    say(context, f"wrote {path}; edit it, then `penstock leads rules --use {path}`", {"file": str(path)})


def _rules_text(context: typer.Context) -> str:
    from penstock import session
    from penstock.pipelines.leads import pipeline, settings
    from penstock.pipelines.leads.rules import SHIPPED
    from penstock.pipelines.leads.settings import Settings

    if context.obj.home.is_dir():
        with session(pipeline, context.obj.home) as opened:
            found = Settings(opened, settings).rules_text()
        if found is not None:
            return found
    return SHIPPED.read_text("utf-8")


@app.command()
def train(
    context: typer.Context,
    outcomes: Annotated[
        Path | None, typer.Option("--outcomes", help="A file with the columns email and outcome (yes or no).")
    ] = None,
    use: Annotated[bool, typer.Option("--use", help="Score by the model beside the rules from now on.")] = False,
) -> None:
    """Train a model on leads whose outcome is known, and judge it on leads that it has not seen."""
    from penstock import session
    from penstock.pipelines.leads import RESOURCES, pipeline, settings
    from penstock.pipelines.leads.outcomes import examples_of, last_day
    from penstock.pipelines.leads.settings import Settings
    from penstock.pipelines.leads.training import train as trained

    with session(pipeline, context.obj.home, may=[settings.put]) as opened:
        examples = examples_of(opened[RESOURCES.warehouse], outcomes)
        model = trained(examples, trained_on=last_day(examples))
        kept = Settings(opened, settings)
        kept.keep_model(model)
        if use:
            kept.use("model", model.version)
    say(context, "\n".join(judged(model, in_use=use)), _plain(model))


@app.command()
def models(
    context: typer.Context,
    use: Annotated[str | None, typer.Option("--use", help="Score by this version, beside the rules.")] = None,
    off: Annotated[bool, typer.Option("--off", help="Score by the rules alone.")] = False,
) -> None:
    """Show the models that were trained, and choose one."""
    from penstock import session
    from penstock.pipelines.leads import pipeline, settings
    from penstock.pipelines.leads.settings import Settings

    changes = [settings.put] if use or off else []
    with session(pipeline, context.obj.home, may=changes) as opened:
        kept = Settings(opened, settings)
        if changes:
            kept.use("model", None if off else use)
        active, found = kept.scorers().model, kept.models()
    rows: list[dict[str, Any]] = [
        {
            "version": one.version,
            "in use": "yes" if active is not None and one.version == active.version else "",
            "leads": one.leads,
            "bought": one.bought,
            "auc": one.evaluation.auc,
            "auc of the rules": one.evaluation.rules_auc,
            "calibration error": one.evaluation.calibration_error,
            "lift of the best tenth": one.evaluation.lift.get("10%"),
        }
        for one in found
    ]
    say(context, "" if rows else "there is no model yet: penstock leads train", {"models": rows}, rows)


@app.command()
def explain(context: typer.Context, who: Annotated[str, typer.Argument(help="A lead's id or e-mail address.")]) -> None:
    """Tell why a lead has its score, by each scorer, the newest first."""
    from penstock import session
    from penstock.pipelines.leads import RESOURCES, pipeline

    with session(pipeline, context.obj.home) as opened:
        ask = opened[RESOURCES.warehouse].query
        found = ask(
            "SELECT lead_id, full_name, company, email FROM leads WHERE lead_id = :who OR email = :email",
            {"who": who, "email": who.lower()},
        ).records()
        if not found:
            raise NotFoundError(f"there is no lead {who!r}", hint="give the lead_id, or the e-mail address, of a lead")
        lead = found[0]
        scores = ask(
            "SELECT scorer, as_of, score, grade, fit, intent, recency, engagement, reasons, probability "
            "FROM lead_scores WHERE lead_id = :lead_id ORDER BY as_of DESC, run_id, scorer",
            {"lead_id": lead["lead_id"]},
        ).records()
    for one in scores:
        one["reasons"] = json.loads(one["reasons"])
    say(context, "\n".join(explained(lead, scores)), {"lead": lead, "scores": scores})


@app.command()
def score(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file of leads.")],
    best: Annotated[int, typer.Option("--best", min=1, max=1000, help="How many of the best to show.")] = 10,
) -> None:
    """Clean and score a file by what is in use, and show the best; nothing is stored."""
    from penstock.pipelines.leads.trial import score_file

    rows, tally = score_file(context.obj.home, file, best)
    told = (
        f"{tally.records_read:,} records, {tally.records_stored:,} leads, {tally.records_rejected:,} rejected; "
        "nothing was stored"
    )
    say(context, told, {"best": rows, "records": tally.records_read, "leads": tally.records_stored}, rows)


@app.command()
def generate(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many records.")] = 1000,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same file.")] = 0,
    form: Annotated[
        Literal["csv", "ndjson", "json"] | None, typer.Option("--format", help="By the file's name when absent.")
    ] = None,
    outcomes: Annotated[bool, typer.Option("--outcomes", help="Say of some leads whether they bought.")] = False,
) -> None:
    """Write made-up leads, with the mistakes that real files have."""
    from penstock.pipelines.leads.generator import form_of, write

    chosen = form or form_of(file)
    try:
        write(file, count, seed=seed, form=chosen, outcomes=outcomes)
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}", hint="give a file that you may write") from error
    say(context, f"wrote {count:,} records to {file}", {"file": str(file), "records": count})


@app.command()
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The CSV file to write.")],
    grade: Annotated[str, typer.Option("--grade", help="Only these grades, such as AB.")] = "ABCD",
    model: Annotated[bool, typer.Option("--model", help="Go by the model's grades instead of the rules'.")] = False,
    exact: Annotated[
        bool, typer.Option("--exact", help="Leave texts as they are that a spreadsheet would take for formulas.")
    ] = False,
) -> None:
    """Write the leads with their newest scores as CSV, safe to open in a spreadsheet."""
    from penstock import session
    from penstock.pipelines.leads import RESOURCES, pipeline
    from penstock.pipelines.leads.spreadsheet import write_leads

    if not grade or set(grade.upper()) - set("ABCD"):
        raise UsageError(f"there is no grade {grade!r}", hint="give some of A, B, C and D, such as --grade AB")
    with session(pipeline, context.obj.home) as opened:
        try:
            by: Literal["rules", "model"] = "model" if model else "rules"
            count = write_leads(opened[RESOURCES.warehouse], file, grade.upper(), by=by, exact=exact)
        except OSError as error:
            raise UsageError(f"cannot write {file}: {error.strerror}", hint="give a file that you may write") from error
    say(context, f"wrote {count:,} leads to {file}", {"file": str(file), "leads": count})


def _plain(model: Any) -> Any:
    import msgspec

    return msgspec.to_builtins(model)


def _scorers(context: typer.Context) -> Any:
    from penstock import session
    from penstock.pipelines.leads import pipeline, settings
    from penstock.pipelines.leads.rules import shipped_rules
    from penstock.pipelines.leads.settings import Scorers, Settings

    if not context.obj.home.is_dir():
        return Scorers(shipped_rules())
    with session(pipeline, context.obj.home) as opened:
        return Settings(opened, settings).scorers()


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}", hint="give a file of rules, in UTF-8") from error
