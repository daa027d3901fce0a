"""Templates of messages that nobody declared, mined line by line, in bounded memory.

The method is Drain's: messages are told apart by their number of words, then by their first word, then by how many
words they share with a template that is known; where they differ, the template gets ``<*>``.
P. He et al., "Drain: An Online Log Parsing Approach with Fixed Depth Tree", ICWS 2017,
https://jiemingzhu.github.io/pub/pjhe_icws2017.pdf
"""

from __future__ import annotations

import re

import msgspec

WILDCARD = "<*>"
SIMILARITY = 0.5
MOST_FIRST_WORDS = 100
MOST_ALIKE = 100
MOST_TEMPLATES = 1000
MOST_CHARACTERS = 1000
MOST_WORDS = 64
# What holds a digit is a parameter; of a word such as `user=alice`, what follows the sign is.
PART = re.compile(r"[^\s=:,;()\[\]\"']+")
DIGIT = re.compile(r"\d")
QUOTED = re.compile(r"\"[^\"]*\"|(?<!\w)'[^']*'(?!\w)")
ASSIGNED = re.compile(r"(?<=\w=)[^\s,;]+")
REPEATED = re.compile(r"(?:<\*>[:.\-/,]?){2,}")

Words = tuple[str, ...]


class Mined(msgspec.Struct):
    """A template and how often it was met.

    Attributes:
        example: the first message of it, cut.
    """

    words: Words
    example: str
    count: int = 0
    errors: int = 0

    @property
    def text(self) -> str:
        return " ".join(self.words)


class Miner:
    """Finds templates. What comes after the thousandth is told apart no more, and counted under ``<*>``."""

    def __init__(self) -> None:
        self._leaves: dict[tuple[int, str], list[Mined]] = {}
        self._first_words: dict[int, set[str]] = {}
        self._count = 0
        self._others = Mined((WILDCARD,), "")

    def add(self, message: str, *, is_error: bool = False) -> Mined:
        """Counts a message and returns its template as it is by now."""
        words = mask(message)
        leaf = self._leaves.setdefault((len(words), self._first_word(words)), [])
        found = _nearest(leaf, words)
        if found is None and (self._count >= MOST_TEMPLATES or len(leaf) >= MOST_ALIKE):
            found = self._others
            found.example = found.example or message[:MOST_CHARACTERS]
        elif found is None:
            found = Mined(words, message[:MOST_CHARACTERS])
            self._count += 1
            leaf.append(found)
        else:
            pairs = zip(found.words, words, strict=True)
            found.words = tuple(known if known == word else WILDCARD for known, word in pairs)
        found.count += 1
        found.errors += is_error
        return found

    def templates(self) -> list[Mined]:
        """Returns the templates, the most frequent first. Those that have become equal are one."""
        merged: dict[Words, Mined] = {}
        for one in [*(mined for leaf in self._leaves.values() for mined in leaf), self._others]:
            if one.count == 0:
                continue
            known = merged.get(one.words)
            if known is None:
                merged[one.words] = msgspec.structs.replace(one)
            else:
                known.count += one.count
                known.errors += one.errors
        return sorted(merged.values(), key=lambda one: (-one.count, one.words))

    def _first_word(self, words: Words) -> str:
        """Returns what stands for a message's first word: past the hundredth of its length they are all one."""
        known = self._first_words.setdefault(len(words), set())
        if words[0] in known:
            return words[0]
        if len(known) >= MOST_FIRST_WORDS:
            return WILDCARD
        known.add(words[0])
        return words[0]


def mask(message: str) -> Words:
    """Returns the words of a message's first line, with ``<*>`` for what is a parameter by its looks."""
    text = message.lstrip().partition("\n")[0][:MOST_CHARACTERS]
    if '"' in text or "'" in text:
        text = QUOTED.sub(WILDCARD, text)
    if "=" in text:
        text = ASSIGNED.sub(WILDCARD, text)
    words = text.split()[:MOST_WORDS]
    return tuple(word if word.isalpha() else _mask_word(word) for word in words) or (WILDCARD,)


def _mask_word(word: str) -> str:
    if not DIGIT.search(word):
        return word
    return REPEATED.sub(WILDCARD, PART.sub(lambda part: WILDCARD if DIGIT.search(part[0]) else part[0], word))


def _nearest(leaf: list[Mined], words: Words) -> Mined | None:
    """Returns the template that shares the most words, at least half of them; of equals, the one met first."""
    best, most = None, SIMILARITY * len(words)
    for one in leaf:
        shared = sum(known == word for known, word in zip(one.words, words, strict=True))
        if shared >= most and (best is None or shared > most):
            best, most = one, float(shared)
    return best
