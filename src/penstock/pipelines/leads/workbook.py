"""Records of an Excel workbook: the sheet and the row that name the most columns, as they are read by ``openpyxl``."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

from penstock.pipelines.leads import columns, naming
from penstock.pipelines.leads.delimited import BATCH_RECORDS, HEADER_LINES, no_header
from penstock.pipelines.leads.extras import WORKBOOKS, check_installed
from penstock.pipelines.leads.records import Incoming
from penstock.pipelines.leads.unreadable import unreadable

if TYPE_CHECKING:
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

# Excel's own limit is 1,048,576 rows a sheet; a small file that grows beyond this is made to do harm.
UNPACKED_BYTES_LIMIT = 8 * 1024 * 1024 * 1024
SAVE = "open it in Excel and save it again as .xlsx, or as CSV UTF-8"


def batches(stream: BinaryIO) -> Iterator[list[Incoming]]:
    """Yields the records of the workbook's best sheet; a record's line is its row.

    Raises:
        TaskError: it is no sound workbook, or no sheet says who a lead is.
        UsageError: ``openpyxl`` is not installed.
    """
    _check(stream)
    check_installed(WORKBOOKS)
    import openpyxl

    with warnings.catch_warnings():
        # What it says of styles and validation that it does not keep matters to writers.
        warnings.simplefilter("ignore", UserWarning)
        try:
            book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
        except Exception as error:
            raise unreadable(f"the workbook is damaged: {error}", SAVE) from error
        try:
            sheet, row, plan = _best(book.worksheets)
            yield from _records(sheet, row, plan)
        finally:
            book.close()


def _check(stream: BinaryIO) -> None:
    try:
        with zipfile.ZipFile(stream) as packed:
            names = packed.namelist()
            unpacked = sum(entry.file_size for entry in packed.infolist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise unreadable(f"the file is a damaged archive: {error}", "send it again; " + SAVE) from error
    if "xl/workbook.xml" not in names:
        kind = "an OpenDocument file" if "content.xml" in names else "a zip archive that is no Excel workbook"
        raise unreadable(f"the file is {kind}", "save it as .xlsx or CSV, or unpack it first")
    if unpacked > UNPACKED_BYTES_LIMIT:
        raise unreadable(f"the workbook unpacks to {unpacked:,} bytes", SAVE)
    stream.seek(0)


def _best(sheets: Sequence[Any]) -> tuple[ReadOnlyWorksheet, int, columns.Plan]:
    best: tuple[int, Any, int, columns.Plan] | None = None
    widest: list[str] = []
    for sheet in sheets:
        if not hasattr(sheet, "iter_rows"):
            continue
        for number, row in enumerate(_rows(sheet, HEADER_LINES), start=1):
            names = [cell or "" for cell in row]
            widest = names if len(names) > len(widest) else widest
            if len(names) > columns.FIELDS_LIMIT:
                continue
            plan = columns.plan(names)
            if plan.fields & columns.IDENTITY and (best is None or len(plan.fields) > best[0]):
                best = (len(plan.fields), sheet, number, plan)
    if best is None:
        raise no_header(widest)
    return best[1:]


def _records(sheet: ReadOnlyWorksheet, header: int, plan: columns.Plan) -> Iterator[list[Incoming]]:
    found: list[Incoming] = []
    width, filling = len(plan.names), naming.Filling(plan)
    for number, row in enumerate(_rows(sheet, None, header + 1), start=header + 1):
        if not any(row):
            continue
        if any(row[width:]):
            message = f"the row has {len(row):,} cells; the header has {width:,}"
            found.append(naming.refused(number, "too_many_cells", message, ",".join(cell or "" for cell in row)))
        else:
            found.append(filling.record(number, [*row, *[None] * (width - len(row))][:width]))
        if len(found) >= BATCH_RECORDS:
            yield found
            found = []
    if found:
        yield found


def _rows(sheet: Any, limit: int | None, first: int = 1) -> Iterator[list[str | None]]:
    """Yields rows as text without the empty cells at their end; Excel's errors are empty."""
    # What a sheet says of its own size is often wrong.
    sheet.reset_dimensions()
    try:
        for row in islice(sheet.iter_rows(min_row=first, values_only=True), limit):
            cells = [_cell(value) for value in row]
            while cells and not cells[-1]:
                cells.pop()
            yield cells
    except Exception as error:
        raise unreadable(f"the workbook's sheet {sheet.title!r} is damaged: {error}", SAVE) from error


def _cell(value: Any) -> str | None:
    text = naming.text_of_cell(value)
    return None if text is not None and text.startswith("#") and text.rstrip("!?") in _ERRORS else text


_ERRORS = frozenset({"#N/A", "#REF", "#NAME", "#VALUE", "#DIV/0", "#NUM", "#NULL", "#GETTING_DATA", "#SPILL", "#CALC"})
