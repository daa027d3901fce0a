"""Templates of messages that nobody declared, mined line by line, in bounded memory.

The method is Drain's, and so is the library: messages are told apart by their number of words, then by their first
word, then by how many words they share with a template that is known; where they differ, the template gets ``<*>``.
P. He et al., "Drain: An Online Log Parsing Approach with Fixed Depth Tree", ICWS 2017,
https://jiemingzhu.github.io/pub/pjhe_icws2017.pdf
"""

from __future__ import annotations

import re

import msgspec

WILDCARD = "<*>"
SIMILARITY = 0.5
DEPTH = 4
MOST_FIRST_WORDS = 100
MOST_TEMPLATES = 1000
MOST_STRANGERS = 10_000
MOST_REMEMBERED = 20_000
MOST_CHARACTERS = 1000
MOST_WORDS = 64
# What holds a digit is a parameter; of a word such as `user=alice`, what follows the sign is.
PART = re.compile(r"[^\s=:,;()\[\]\"']+")
DIGIT = re.compile(r"\d")
QUOTED = re.compile(r"\"[^\"]*\"|(?<!\w)'[^']*'(?!\w)")
ASSIGNED = re.compile(r"(?<=\w=)[^\s,;]+")
REPEATED = re.compile(r"(?:<\*>[:.\-/,]?){2,}")


class Mined(msgspec.Struct):
    """A template and how often it was met.

    Attributes:
        example: the first message of it, cut.
    """

    text: str
    example: str
    count: int = 0
    errors: int = 0


class Miner:
    """Finds templates. What comes after the thousandth is told apart no more, and counted under ``<*>``.

    To hold a message against a thousand templates takes milliseconds. After ten thousand that were none of these,
    messages are known by heart or not at all, so that no input makes an object take minutes.
    """

    def __init__(self) -> None:
        # It takes a quarter of a second to import.
        from drain3.drain import Drain

        self._drain = Drain(depth=DEPTH, sim_th=SIMILARITY, max_children=MOST_FIRST_WORDS, param_str=WILDCARD)
        self._mined: dict[int, Mined] = {}
        self._others = Mined(WILDCARD, "")
        self._remembered: dict[str, Mined] = {}
        self._strangers = 0

    def add(self, message: str, *, is_error: bool = False) -> Mined:
        """Counts a message and returns its template as it is by now."""
        masked = mask(message)
        found = self._remembered.get(masked) or self._find(masked)
        found.example = found.example or message[:MOST_CHARACTERS]
        found.count += 1
        found.errors += is_error
        return found

    def _find(self, masked: str) -> Mined:
        if len(self._mined) < MOST_TEMPLATES:
            cluster, _ = self._drain.add_log_message(masked)
            found = self._mined.setdefault(cluster.cluster_id, Mined("", ""))
            found.text = cluster.get_template()
        else:
            known = self._drain.match(masked) if self._strangers < MOST_STRANGERS else None
            self._strangers += known is None
            found = self._others if known is None else self._mined[known.cluster_id]
        if found is not self._others and len(self._remembered) < MOST_REMEMBERED:
            self._remembered[masked] = found
        return found

    def templates(self) -> list[Mined]:
        """Returns the templates, the most frequent first. Those that have become equal are one."""
        merged: dict[str, Mined] = {}
        for one in [*self._mined.values(), self._others]:
            if one.count == 0:
                continue
            known = merged.get(one.text)
            if known is None:
                merged[one.text] = msgspec.structs.replace(one)
            else:
                known.count += one.count
                known.errors += one.errors
        return sorted(merged.values(), key=lambda one: (-one.count, one.text))


def mask(message: str) -> str:
    """Returns the words of a message's first line, with ``<*>`` for what is a parameter by its looks."""
    text = message.lstrip().partition("\n")[0][:MOST_CHARACTERS]
    if '"' in text or "'" in text:
        text = QUOTED.sub(WILDCARD, text)
    if "=" in text:
        text = ASSIGNED.sub(WILDCARD, text)
    words = text.split()[:MOST_WORDS]
    return " ".join(word if word.isalpha() else _mask_word(word) for word in words) or WILDCARD


def _mask_word(word: str) -> str:
    if not DIGIT.search(word):
        return word
    return REPEATED.sub(WILDCARD, PART.sub(lambda part: WILDCARD if DIGIT.search(part[0]) else part[0], word))
