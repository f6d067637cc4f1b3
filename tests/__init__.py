"""A package because `tests.browser` is one: its modules keep their full names."""
