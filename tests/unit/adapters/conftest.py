"""The lake of readings that queries are asked of."""

from pathlib import Path

import pytest
from tests.readings import make_lake


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return make_lake(tmp_path / "lake")
