"""Teaching: what the lessons need. ``lesson`` (sizes, figures), ``checks`` (exercises), ``studies``, ``explorer``."""
