"""``python -m squidlib`` is ``squid``."""

from squidlib.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
