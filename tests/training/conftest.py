"""What the tests of runs share."""

from __future__ import annotations

import pytest

from tests.helpers import contents
from tests.small_runs import SETTINGS, begun, go_on


@pytest.fixture(scope="session")
def straight(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is in the folder of a small run that nothing disturbed."""
    run = begun(tmp_path_factory.mktemp("straight") / "run", SETTINGS)
    go_on(run)
    return contents(run.folder)
