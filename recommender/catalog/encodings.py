"""Detects the encoding of a text file.

Valid UTF-8 is UTF-8. Other bytes are read as Windows-1252, the other usual encoding of Western
tables, but only if the result could be words: Dvořák in Windows-1250 would read "Dvoøák", and no
language has both letters. A file that fails this is refused, with the likely encoding, rather than
silently misread.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from recommender.errors import CatalogError
from recommender.printable import printable

UTF_8: Final = "UTF-8"
WESTERN: Final = "Windows-1252"

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks. UTF-32's begins like UTF-16's, so it has to come first."""

_ESCAPED: Final = {
    "iso2022_jp": re.compile(rb"\x1b\$[@B]|\x1b\(J"),
    "iso2022_kr": re.compile(rb"\x1b\$\)C"),
    "hz": re.compile(rb"~\{(?:[!-~]{2})+~\}"),
}

_MAX_WRONG_WORDS_FRACTION: Final = 0.03
"""Fraction of the words with foreign letters that may look wrong in a file of Windows-1252."""

_MAX_FOREIGN_LINES_FRACTION: Final = 0.01
"""Fraction of the lines of a file that may be in another encoding than the rest."""

_ALL_LINES: Final = 20_000
_SOME_LINES: Final = 50
"""Of the lines that are not UTF-8, the first 20,000 are checked word by word, then one in 50."""

_PRIVATE: Final = 0x10FF00
"""The private character that stands for byte 0; the following ones stand for the other bytes."""

_FIRST_STRAY: Final = chr(_PRIVATE)
# Latin-1 defines the five bytes that Windows-1252 leaves undefined.
_STRAYS: Final = {
    _PRIVATE + byte: bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(256)
}

_ALPHABETS: Final = tuple(
    frozenset(letters)
    for letters in (
        "àâæçèéêëîïôœùûüÿ",  # French
        "äöüßé",  # German
        "áéíóúüñ",  # Spanish
        "áâãàçéêíóôõúü",  # Portuguese
        "àèéìòùî",  # Italian
        "àçèéíïòóúü",  # Catalan
        "æøåéäöü",  # Danish, Norwegian
        "åäöéüæø",  # Swedish
        "äöåšž",  # Finnish
        "õäöüšž",  # Estonian
        "áðéíóúýþæö",  # Icelandic
        "éëïóöüèá",  # Dutch
        "áàéèíìóòúù",  # Irish, Scottish Gaelic
        "âêîôûáéíóúï",  # Welsh
        "áéíóúýžš",  # Czech and Slovak letters with the same code in Windows-1250
        "ç",
        "ñ",
    )
)
"""Letters that occur together in a word of the languages that are written in Windows-1252."""

_ANYWHERE: Final = frozenset("’‘“”„‚–—…•™®©«»‹›·´\xa0€£§¥")
_BEFORE_WORDS: Final = frozenset("¿¡")
_AFTER_NUMBERS: Final = frozenset("°ºª½¼¾²³¹×±µ")
_IMPLAUSIBLE: Final = re.compile(
    "þ(?![aeiouyáéíóúýæörjv])|^ð|õ(?=[^e]).*[áéíóúâêôãç]|[áéíóúâêôãç].*õ(?!e)"
)
"""Icelandic thorn before a consonant and eth at the beginning (Turkish read wrongly), Portuguese
õ without e (Hungarian read wrongly)."""

_RUN: Final = re.compile(r"[^\W\d_]*[^\x00-\x7f](?:[^\W\d_]|[^\x00-\x7f])*")
_FOREIGN_RUN: Final = re.compile("[^\x00-\x7f]{3}")


def escaped(head: bytes) -> str | None:
    """Return the encoding of a file that escapes other letters as ASCII, or ``None``."""
    for name, sign in _ESCAPED.items():
        if sign.search(head):
            return name
    return None


def from_mark(head: bytes) -> str | None:
    """Return Python's name of a file's encoding, as far as its first bytes tell.

    Without a byte order mark, UTF-16 and UTF-32 are detected by the positions of zero bytes: half
    of a table of tracks is ASCII in any language.

    Returns:
        ``None`` if they do not tell: then it is UTF-8 or an 8-bit encoding.
    """
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    start = head[:4096]
    start = start[: len(start) // 4 * 4]
    if b"\x00" not in start:
        return None
    zero = [start[place::4].count(0) / (len(start) // 4 or 1) for place in range(4)]
    if min(zero[1:]) > 0.9 > zero[0]:
        return "utf-32-le"
    if min(zero[:3]) > 0.9 > zero[3]:
        return "utf-32-be"
    if (zero[1] + zero[3]) / 2 > 0.3 and max(zero[0], zero[2]) < 0.05:
        return "utf-16-le"
    if (zero[0] + zero[2]) / 2 > 0.3 and max(zero[1], zero[3]) < 0.05:
        return "utf-16-be"
    return None


def looks_western(word: str) -> bool:
    """Whether a word that was read as Windows-1252 could be one.

    Its letters have to belong to one language, its capitals to come first or throughout, and no
    more than two foreign letters to follow each other.
    """
    if _FOREIGN_RUN.search(word):
        return False
    if any(letter.isupper() and letter > "\x7f" for letter in word):
        rest = [letter for letter in word[1:] if letter.isalpha()]
        capitals = sum(letter.isupper() for letter in rest)
        if capitals not in (0, len(rest)) and any(
            letter.isupper() and letter > "\x7f" for letter in rest
        ):
            return False
    lower = word.lower()
    foreign = {letter for letter in lower if letter > "\x7f"}
    return not _IMPLAUSIBLE.search(lower) and any(foreign <= alphabet for alphabet in _ALPHABETS)


@lru_cache(maxsize=65536)
def _is_wrong(run: str, after: str) -> bool:
    """Whether a run of letters and foreign characters, after some character, is not text."""
    for part in re.split(f"[{''.join(_ANYWHERE)}]", run):
        bare = part.lstrip("".join(_BEFORE_WORDS))
        if not bare:
            continue
        if bare in _AFTER_NUMBERS:
            if bare in "°ºª²³¹" and not (run.startswith(bare) and after.isdigit()):
                return True
            continue
        if bare[-1] in "ºª°" and bare[:-1].lower() in ("n", "d", "dª", "m", "s", "v", "c", "f"):
            continue
        if not bare.isalpha() or "º" in bare or "ª" in bare or "µ" in bare:
            return True
        if any(letter > "\x7f" for letter in bare) and not looks_western(bare):
            return True
    return False


@dataclass(slots=True)
class Survey:
    """Statistics of a file that is not entirely UTF-8.

    Attributes:
        lines: all of them.
        valid: lines of UTF-8 that are not plain ASCII.
        invalid: lines that are not UTF-8.
        words: words of the latter with letters beyond ASCII → whether they look wrong when
            read as Windows-1252.
        sample: the beginning of the lines that are not UTF-8.
    """

    lines: int = 0
    valid: int = 0
    invalid: int = 0
    words: dict[str, bool] = field(default_factory=dict)
    sample: bytearray = field(default_factory=bytearray)

    def add(self, block: bytes) -> None:
        """Count a block of whole lines."""
        self.lines += block.count(b"\n")
        try:
            block.decode()
        except UnicodeDecodeError:
            for line in block.split(b"\n"):
                self._add_line(line)
        else:
            self.valid += sum(not line.isascii() for line in block.split(b"\n"))

    def _add_line(self, line: bytes) -> None:
        if line.isascii():
            return
        try:
            line.decode()
            self.valid += 1
        except UnicodeDecodeError:
            self.invalid += 1
            if len(self.sample) < 1 << 16:
                self.sample += line + b"\n"
            if self.invalid <= _ALL_LINES or self.invalid % _SOME_LINES == 0:
                self.words.update(_words(line))

    @property
    def mostly_utf_8(self) -> bool:
        """Whether what is not UTF-8 is the exception."""
        return (
            self.valid >= self.invalid or self.invalid <= _MAX_FOREIGN_LINES_FRACTION * self.lines
        )

    @property
    def wrong(self) -> list[str]:
        """The words that look wrong as Windows-1252."""
        return [word for word, wrong in self.words.items() if wrong]

    @property
    def is_western(self) -> bool:
        """Whether nearly all words look right as Windows-1252."""
        return len(self.wrong) <= _MAX_WRONG_WORDS_FRACTION * len(self.words)


def mended(line: bytes) -> str:
    """Return a line in which the bytes that are not UTF-8 were read as Windows-1252."""
    return _with_strays(line).translate(_STRAYS)


def has_wrong_words(line: bytes) -> bool:
    """Whether the bytes of a line that are not UTF-8 make words that look wrong."""
    return any(wrong for _, wrong in _words(line))


def _with_strays(line: bytes) -> str:
    """Return a line in which private characters stand for the bytes that are not UTF-8."""
    parts, place = [], 0
    while place < len(line):
        try:
            parts.append(line[place:].decode())
            break
        except UnicodeDecodeError as error:
            parts.append(line[place : place + error.start].decode())
            wrong = line[place + error.start : place + error.end]
            parts.append("".join(chr(_PRIVATE + byte) for byte in wrong))
            place += error.end
    return "".join(parts)


def _words(line: bytes) -> Iterable[tuple[str, bool]]:
    """Return the words with bytes that are not UTF-8, and whether each looks wrong."""
    text = _with_strays(line)
    plain = text.translate(_STRAYS)
    for found in _RUN.finditer(plain):
        run = found[0]
        strays = [letter for letter in text[found.start() : found.end()] if letter >= _FIRST_STRAY]
        if not strays or _ANYWHERE.issuperset(run):
            continue
        # A letter of another script came out of two bytes that happen to be UTF-8.
        foreign = any(letter > "\xff" and not _in_western(letter) for letter in run)
        yield run, foreign or _is_wrong(run, plain[found.start() - 1 : found.start()])


@lru_cache(maxsize=4096)
def _in_western(letter: str) -> bool:
    try:
        letter.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


def refusal(name: str, survey: Survey) -> CatalogError:
    """Return the error for a file that is neither UTF-8 nor Windows-1252."""
    likely = guesses(bytes(survey.sample))
    perhaps = f" It may be {' or '.join(likely)}." if likely else ""
    words = ", ".join(f"“{printable(word)}”" for word in survey.wrong[:3])
    return CatalogError(
        f"{name} is not UTF-8, and read as Windows-1252 it has words such as {words}.{perhaps} "
        "Save it as UTF-8, or say which encoding it has with --encoding "
        f"{likely[0] if likely else 'NAME'}."
    )


_BY_FIRST_BYTE: Final[Mapping[str, tuple[tuple[int, int], ...]]] = {
    "euc_kr": ((0xB0, 0xC8),),
    "gbk": ((0xB0, 0xD7), (0xA1, 0xA1), (0xA3, 0xA3)),
    "big5": ((0xA4, 0xC6), (0xA1, 0xA1)),
    "shift_jis": ((0x81, 0x83), (0x88, 0x97)),
    "euc_jp": ((0xA4, 0xA5), (0xB0, 0xCF), (0xA1, 0xA1)),
}
"""Lead bytes of the usual characters: each encoding puts the commoner half of them first."""

_BY_LETTER: Final[Mapping[str, re.Pattern[str]]] = {
    "windows-1255": re.compile("(?<![A-Za-z])[א-ת](?![A-Za-z])"),
    "windows-1251": re.compile("(?<![A-Za-z])(?:[а-яё]|(?<![а-яё])[А-ЯЁ])(?![A-Za-z])"),
    "windows-1253": re.compile("(?<![A-Za-z])(?:[α-ωά-ώ]|(?<![α-ω])[Α-ΩΆ-Ώ])(?![A-Za-z])"),
    "windows-1256": re.compile("(?<![A-Za-z])[ء-ي](?![A-Za-z])"),
    "koi8-r": re.compile("(?<![A-Za-z])(?:[а-яё]|(?<![а-яё])[А-ЯЁ])(?![A-Za-z])"),
    "windows-1250": re.compile("[ąćęłńóśźżáčďéěíňřšťúůýžäľôőöűüăâîşţđ]", re.I),
    "iso-8859-2": re.compile("[ąćęłńóśźżáčďéěíňřšťúůýžäľôőöűüăâîşţđ]", re.I),
    "windows-1254": re.compile("[çğıöşüâîûİ]", re.I),
    "cp850": re.compile("[áéíóúàèìòùâêîôûäëïöüñçãõåæøß]"),
    "mac-roman": re.compile("[áéíóúàèìòùâêîôûäëïöüñçãõåæøß’“”–—]"),
}


def guesses(sample: bytes) -> list[str]:
    """Return up to two encodings in which a sample would be text, the likelier first.

    Args:
        sample: lines that are neither UTF-8 nor Windows-1252.
    """
    scores = {name: _score(sample, name) for name in (*_BY_FIRST_BYTE, *_BY_LETTER)}
    best = max(scores.values())
    ranked = sorted(scores, key=lambda name: -scores[name])
    return [name for name in ranked if scores[name] > max(0.5, best - 0.1)][:2]


def _score(sample: bytes, name: str) -> float:
    """Return the fraction of characters beyond ASCII that are usual in an encoding, 0 to 1."""
    try:
        text = sample.decode(name)
    except UnicodeDecodeError:
        return 0.0
    foreign = sum(letter > "\x7f" for letter in text)
    if name in _BY_LETTER:
        usual = sum(found[0] > "\x7f" for found in _BY_LETTER[name].finditer(text))
    else:
        encoded = [letter.encode(name)[0] for letter in text if letter > "\x7f"]
        ranges = _BY_FIRST_BYTE[name]
        usual = sum(any(low <= byte <= high for low, high in ranges) for byte in encoded)
    return usual / foreign if foreign else 0.0
