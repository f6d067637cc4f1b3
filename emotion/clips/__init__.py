"""Clips and folders: what each person shows, instant by instant, as a table.

`read_clip` reads one clip; the other modules are what ``python -m emotion`` does with many files.
"""
