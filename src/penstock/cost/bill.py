"""The bill: what a meter counted, priced; with what is there whether it is used or not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from penstock.cost.lines import Quantity
from penstock.cost.measured import SEALING, Amount, Cause, month
from penstock.cost.prices import Price, PriceBook
from penstock.cost.sealing import MEMORY_GB, looks_of_sealing, starts_of_sealing
from penstock.cost.standing import standing, unpriced
from penstock.cost.units import ATHENA_LEAST_BYTES, GB, LARGE
from penstock.cost.usage import Usage
from penstock.model.metering import Held, Span, Used
from penstock.model.pipeline import Definition

# What causes a quantity that no operation of a home does.
THERE, BESIDE, ASKED = "there all the time", "in the account beside it", "asked by people"
# What is written to, and kept in, a second region as well; and what S3 keeps there is of a colder class.
REPLICATED = {"dynamodb-write", "dynamodb-storage", "dynamodb-pitr"}
COPIED = {"s3-put": "s3-ia-put", "s3-storage": "s3-ia-storage"}
# A meter that ran for less tells little about a month.
SHORT_SECONDS = 86_400.0
# Of a bill that is made of the meter alone: what people ask is measured, or given.
NOBODY = Usage(hot_reads=0.0, queries=0.0)


class BillCause(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a line: what caused it.

    Attributes:
        quantity: of a month.
        full_usd: its part of the line's cost without what is free.
    """

    pipeline: str
    operation: str
    resource: str
    quantity: float
    full_usd: float


class BillLine(msgspec.Struct, frozen=True, kw_only=True):
    """One price, and all that a month takes of it.

    Attributes:
        measured: in the units of the price, in the time that was measured; what is kept on average.
        quantity: in a month.
        free: units of every month that cost nothing.
        monthly_usd: what it costs, with or without what is free, as the bill was asked for.
        full_usd: without what is free.
        region: whose price it is.
    """

    service: str
    price: str
    unit: str
    measured: float
    quantity: float
    unit_price_usd: float
    per: float
    free: float
    monthly_usd: float
    full_usd: float
    region: str
    causes: tuple[BillCause, ...]


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """A month of 30 days.

    Attributes:
        began, ended: from when to when was measured (seconds since the epoch).
        pipelines: what each costs; what is free is shared by how much each uses.
        unpriced: what is not in the sums, because the price book does not know it.
        notes: what one should know before one believes it.
    """

    region: str
    began: float
    ended: float
    free_tier: bool
    lines: tuple[BillLine, ...]
    pipelines: dict[str, float]
    unpriced: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def monthly_usd(self) -> float:
        """What the month costs."""
        return sum(line.monthly_usd for line in self.lines)

    @property
    def full_usd(self) -> float:
        """What it costs when other things in the account have used up what is free."""
        return sum(line.full_usd for line in self.lines)

    @property
    def services(self) -> dict[str, float]:
        """What each service costs."""
        found: defaultdict[str, float] = defaultdict(float)
        for line in self.lines:
            found[line.service] += line.monthly_usd
        return dict(found)


def bill(
    definitions: Mapping[str, Definition],
    used: Iterable[Used],
    held: Iterable[Held],
    span: Span,
    *,
    prices: PriceBook,
    usage: Usage = NOBODY,
    free_tier: bool = True,
    first_year: bool = False,
) -> Bill:
    """Returns what a month costs that goes on as what was measured.

    Args:
        usage: what no meter sees: queries and reads that people make, secrets, hours of crawlers and jobs.
        free_tier: what is free in every month is taken off.
        first_year: what is free in an account's first year is taken off too.
    """
    amounts = _deployed(definitions, month(definitions, used, held, span))
    for name, definition in definitions.items():
        for operation, quantities in (
            (THERE, [*standing(definition, usage, prices)]),
            (BESIDE, [*_beside(definition, usage, amounts, name)]),
            (ASKED, [*_asked(definition, usage)]),
        ):
            for one in quantities:
                amounts.setdefault(Cause(one.price, name, operation, one.what), Amount()).monthly += one.quantity
    lines = tuple(_lines(amounts, prices, free_tier=free_tier, first_year=first_year))
    return Bill(
        region=prices.region,
        began=span.began,
        ended=span.ended,
        free_tier=free_tier,
        lines=lines,
        pipelines=_by_pipeline(lines, definitions),
        unpriced=tuple(dict.fromkeys(one for each in definitions.values() for one in unpriced(each, prices))),
        notes=tuple(_notes(lines, span, prices, first_year=first_year)),
    )


def _deployed(definitions: Mapping[str, Definition], measured: Mapping[Cause, Amount]) -> dict[Cause, Amount]:
    """Returns what the account would see: sealing only where it is deployed, and a second region where there is one."""
    found: dict[Cause, Amount] = {}
    for cause, amount in measured.items():
        chosen = definitions[cause.pipeline].deployment
        if not chosen.sealing and cause.operation in {SEALING, "sealed", "sealed" + LARGE}:
            continue
        found[cause] = Amount(amount.measured, amount.monthly)
        if chosen.replica_region is None:
            continue
        if cause.price in REPLICATED:
            found[cause].monthly *= 2
        if cause.price in COPIED:
            found[msgspec.structs.replace(cause, price=COPIED[cause.price], operation="replication")] = amount
    return found


def _beside(definition: Definition, usage: Usage, amounts: Mapping[Cause, Amount], name: str) -> Iterator[Quantity]:
    """Yields what the account adds to what a home does: the function that seals, keys, secrets."""

    def total(price: str, operation: str, resource: str = "") -> float:
        return sum(
            amount.monthly
            for cause, amount in amounts.items()
            if (cause.pipeline, cause.price, cause.operation) == (name, price, operation)
            and resource in {"", cause.resource}
        )

    starts = starts_of_sealing(definition)
    gb_seconds = starts * usage.sealing_seconds * MEMORY_GB
    yield Quantity("schedules", "starts of the function that seals", starts)
    yield Quantity("lambda-requests", "calls of the function that seals", starts)
    yield Quantity(f"lambda-{definition.deployment.architecture}", "time of the function that seals", gb_seconds)
    for table in definition.lake_tables.values() if starts else ():
        written = total("s3-put", "PutObject", table.name)
        yield Quantity("s3-put", f"looks for what is due in {table.name}", looks_of_sealing(table, starts, written))
    if definition.deployment.encryption_key:
        yield Quantity("kms-requests", "messages encrypted", total("sns-publish", "Publish"))
    yield Quantity("secret-reads", "reads of secrets", usage.secrets * total("lambda-requests", "Invoke"))


def _asked(definition: Definition, usage: Usage) -> Iterator[Quantity]:
    if definition.hot_tables:
        # Half a unit each: reads need not be consistent.
        yield Quantity("dynamodb-read", "reads by people", usage.hot_reads / 2)
    if definition.lake_tables:
        scanned = max(usage.query_gb, ATHENA_LEAST_BYTES / GB)
        listings = 3 if definition.deployment.sealing else 1
        yield Quantity("athena", "queries by people", usage.queries * scanned)
        yield Quantity("s3-put", "partitions of people's queries", usage.queries * usage.query_partitions * listings)
    dpu_hours = usage.crawler_hours * 2 * definition.deployment.crawler
    yield Quantity(
        "glue-dpu", "crawler and backfill job", dpu_hours + usage.job_hours / 16 * definition.deployment.backfill_job
    )


def _lines(
    amounts: Mapping[Cause, Amount], prices: PriceBook, *, free_tier: bool, first_year: bool
) -> Iterator[BillLine]:
    by_price: defaultdict[str, list[tuple[Cause, Amount]]] = defaultdict(list)
    for cause, amount in amounts.items():
        if amount.monthly > 0:
            by_price[cause.price].append((cause, amount))
    # In the order of the book, which goes by services.
    for code, price in prices.prices.items():
        if code in by_price:
            taken = sum(amount.monthly for _, amount in by_price.get(price.free_with, ()))
            left = msgspec.structs.replace(price, free=max(0.0, price.free - taken))
            yield _line(left, by_price[code], free_tier=free_tier, first_year=first_year)


def _line(price: Price, parts: list[tuple[Cause, Amount]], *, free_tier: bool, first_year: bool) -> BillLine:
    quantity = sum(amount.monthly for _, amount in parts)
    full = price.charge(quantity, free_tier=False)
    causes = [
        BillCause(
            pipeline=cause.pipeline,
            operation=cause.operation,
            resource=cause.resource,
            quantity=amount.monthly,
            full_usd=full * amount.monthly / quantity,
        )
        for cause, amount in parts
    ]
    return BillLine(
        service=price.service,
        price=price.code,
        unit=price.unit,
        measured=sum(amount.measured for _, amount in parts),
        quantity=quantity,
        unit_price_usd=price.usd,
        per=price.per,
        free=price.free if free_tier else 0.0,
        monthly_usd=price.charge(quantity, free_tier=free_tier, first_year=first_year),
        full_usd=full,
        region=price.region,
        causes=tuple(sorted(causes, key=lambda one: -one.quantity)),
    )


def _by_pipeline(lines: Iterable[BillLine], definitions: Iterable[str]) -> dict[str, float]:
    found = dict.fromkeys(definitions, 0.0)
    for line in lines:
        for cause in line.causes:
            found[cause.pipeline] += line.monthly_usd * cause.quantity / line.quantity
    return found


def _notes(lines: Iterable[BillLine], span: Span, prices: PriceBook, *, first_year: bool) -> Iterator[str]:
    if span.seconds < SHORT_SECONDS:
        yield f"only {span.seconds / 3600:.1f} hours were measured: a month may be very different"
    foreign = dict.fromkeys(line.price for line in lines if line.region != prices.region)
    if foreign:
        yield f"no price of {prices.region} is known for {', '.join(foreign)}: they are those of another region"
    if first_year:
        yield "what is free in the first year is so for accounts that were opened before 15 July 2025"
