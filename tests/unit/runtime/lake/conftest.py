"""A lake whose table holds short records."""

from pathlib import Path

import pytest
from tests.sealing import SHORT, Lake


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake", SHORT)
