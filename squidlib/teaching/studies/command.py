"""The command of a study, ``python -m squidlib.teaching.studies.NAME [--scheduler tcp://host:8786]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from typing import Any

from squidlib.teaching.studies.results import one_thread, run_all
from squidlib.utils.cluster import connected
from squidlib.utils.errors import UserError


def run_study(study: str, metadata: dict[str, Any], jobs: Mapping[str, Callable[[], dict[str, Any]]]) -> None:
    """Do what the study's file does not hold yet, here or on a cluster; one CPU thread a job.

    Args:
        study, metadata, jobs: as of ``run_all``.

    Raises:
        SystemExit: 2 after an error that is the user's to repair, 130 after Ctrl-C; what is done is stored.
    """
    parser = argparse.ArgumentParser(prog=f"python -m squidlib.teaching.studies.{study}")
    parser.add_argument(
        "--scheduler", help="do the jobs on other machines: a Dask scheduler's address, tcp://host:8786"
    )
    asked = parser.parse_args()
    one_thread()
    try:
        with connected(asked.scheduler, print) as cluster:
            run_all(study, metadata, dict(jobs), cluster=cluster)
    except UserError as error:
        print(f"{study}: {error}", file=sys.stderr)
        raise SystemExit(2) from error
    except KeyboardInterrupt as error:
        print(f"{study}: stopped; what is done is stored, and the same command goes on", file=sys.stderr)
        raise SystemExit(130) from error
