"""A diary of moods and music, for those who switch it on. Never a picture, never a face.

>>> from recommender.diary import DiaryStore, Moment
>>> with DiaryStore.open("sqlite:///diary.sqlite") as store:
...     diary = store.diary("this computer")
...     diary.switch(True)
...     diary.note(Moment(playlist, emotion="sad", source="face"))
"""

from __future__ import annotations

from recommender.diary.errors import DiaryError
from recommender.diary.export import to_csv, to_json
from recommender.diary.location import ENVIRONMENT, default_file, is_there, location
from recommender.diary.records import SOURCES, Entry, KeptTrack, KeptVerdict, Moment, Source
from recommender.diary.store import Diary, DiaryStore

__all__ = [
    "ENVIRONMENT",
    "SOURCES",
    "Diary",
    "DiaryError",
    "DiaryStore",
    "Entry",
    "KeptTrack",
    "KeptVerdict",
    "Moment",
    "Source",
    "default_file",
    "is_there",
    "location",
    "to_csv",
    "to_json",
]
