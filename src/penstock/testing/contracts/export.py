"""What every place for exports does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penstock.errors import UsageError
from penstock.ports.export import Exported, ExportedFile, ExportTarget

DAY_ONE, DAY_TWO = {"day": "1"}, {"day": "2"}


class ExportWorld:
    """What a suite needs of an adapter.

    Args:
        open_target: opens the one place of the test for a table.
        put: makes or replaces a Parquet file of the lake, with a column ``id`` of the numbers from 0 on.
        remove: deletes a file of the lake.
        write: makes such a Parquet file at a path.
        read: returns the rows of an export, as a reader without Penstock sees them.
    """

    def __init__(
        self,
        *,
        open_target: Callable[[str], ExportTarget],
        put: Callable[[str, int], None],
        remove: Callable[[str], None],
        write: Callable[[Path, int], None],
        read: Callable[[Exported], list[dict[str, Any]]],
    ) -> None:
        self.open_target = open_target
        self.put = put
        self.remove = remove
        self.write = write
        self.read = read

    def export(self, **rows: int) -> Exported:
        """Exports files by their names, each with so many rows, all of day one."""
        target = self.open_target("readings")
        files = []
        for name, count in rows.items():
            self.put(f"sealed/{name}.parquet", count)
            files.append(ExportedFile(f"day=1/{name}.parquet", DAY_ONE))
            assert target.take(f"sealed/{name}.parquet", files[-1].name)
        return target.finish("readings", files, ["id"])

    def ids(self, exported: Exported) -> list[int]:
        """Returns what an export holds."""
        return sorted(int(row["id"]) for row in self.read(exported))


class ExportTargetContract:
    """Subclass it with a fixture ``world``."""

    def test_a_reader_sees_the_rows_with_their_partition(self, world: ExportWorld) -> None:
        world.put("sealed/a.parquet", 2)
        target = world.open_target("readings")
        assert target.take("sealed/a.parquet", "day=1/a.parquet")
        target.write("day=2/b.parquet", lambda path: world.write(path, 1))
        files = [ExportedFile("day=1/a.parquet", DAY_ONE), ExportedFile("day=2/b.parquet", DAY_TWO)]
        exported = target.finish("readings", files, ["id"])
        assert sorted((str(row["day"]), row["id"]) for row in world.read(exported)) == [("1", 0), ("1", 1), ("2", 0)]
        assert (exported.rows, exported.files, exported.written) == (3, 2, 1)
        assert exported.linked + exported.copied == 1

    def test_what_the_lake_replaces_or_deletes_stays_in_the_export(self, world: ExportWorld) -> None:
        exported = world.export(a=2, b=1)
        world.put("sealed/a.parquet", 9)
        world.remove("sealed/b.parquet")
        assert world.ids(exported) == [0, 0, 1]

    def test_exporting_again_brings_up_to_date(self, world: ExportWorld) -> None:
        world.export(a=2, b=1)
        again = world.export(b=1, c=3)
        assert world.ids(again) == [0, 0, 1, 2]
        assert (again.kept, again.rows) == (1, 4)

    def test_a_name_stands_for_one_content(self, world: ExportWorld) -> None:
        world.export(a=2)
        assert world.ids(world.export(a=5)) == [0, 1]
        target = world.open_target("readings")
        target.write("day=1/a.parquet", lambda path: world.write(path, 7))
        exported = target.finish("readings", [ExportedFile("day=1/a.parquet", DAY_ONE)], ["id"])
        assert world.ids(exported) == [0, 1]
        assert (exported.kept, exported.written) == (1, 0)

    def test_a_file_that_is_gone_is_told(self, world: ExportWorld) -> None:
        assert not world.open_target("readings").take("sealed/none.parquet", "day=1/none.parquet")

    def test_a_file_that_fails_is_no_part_of_it(self, world: ExportWorld) -> None:
        target = world.open_target("readings")

        def half(path: Path) -> None:
            path.write_bytes(b"PAR1")
            raise RuntimeError("no more")

        with pytest.raises(RuntimeError, match="no more"):
            target.write("day=1/a.parquet", half)
        target.write("day=1/a.parquet", lambda path: world.write(path, 2))
        assert world.ids(target.finish("readings", [ExportedFile("day=1/a.parquet", DAY_ONE)], [])) == [0, 1]

    def test_a_place_belongs_to_one_table(self, world: ExportWorld) -> None:
        world.export(a=1)
        with pytest.raises(UsageError):
            world.open_target("others")
