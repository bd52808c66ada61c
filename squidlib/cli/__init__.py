"""The command ``squid``: one dataclass a sub-command; tyro makes the options from its fields."""
