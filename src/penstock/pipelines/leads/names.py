"""Names of people, places and companies, put into order."""

from __future__ import annotations

import re
import unicodedata

LENGTH_LIMIT = 200


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TITLES = _words(
    "mr mrs ms miss mx dr prof professor sir madam herr frau hr fr dipl ing mag monsieur madame mme m mlle sr sra "
    "srta don"
    " doña rev hon capt lt col gen eng "
)
SUFFIXES = _words("jr sr ii iii iv phd md mba cpa esq bsc msc ba ma mph cfa dds rn pmp ")
PARTICLES = _words(
    "de da do dos das del della di du des van von der den ter ten la le los las y e zu zur zum vom al el bin ibn af av "
)
_ABSENT = re.compile(r"[\W_]*|n/a|unknown|undefined|none given|no name|anonymous|test", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\"[^\"]*\"")
_MAC = re.compile(r"^(mc|o')([a-zà-ÿ])(.*)$")


def tidy_name(text: str) -> str | None:
    """Returns a name without emoji, control signs and double spaces; capitals are put right where all are one."""
    kept = _spaced(text)
    if not kept or _ABSENT.fullmatch(kept):
        return None
    return _cased(kept) if kept.isupper() or kept.islower() else kept


def tidy_text(text: str) -> str | None:
    """Returns a text without control signs and double spaces."""
    return _spaced(text, symbols=True) or None


def split_name(text: str) -> str | None:
    """Returns a full name as first and last name with a bar between: ``Ana María|de la Cruz``; either may be empty.

    Titles, degrees and what stands in brackets are left out; ``Last, First`` is turned round.
    """
    whole = tidy_name(_ASIDE.sub(" ", text))
    if whole is None:
        return None
    before, comma, after = whole.partition(",")
    if comma and after.split() and not _only(after.split(), SUFFIXES):
        return f"{' '.join(_without(after.split()))}|{' '.join(_without(before.split()))}"
    words = _without(before.split())
    if len(words) <= 1:
        return f"{' '.join(words)}|"
    begin = len(words) - 1
    while begin > 1 and words[begin - 1].casefold() in PARTICLES:
        begin -= 1
    return f"{' '.join(words[:begin])}|{' '.join(words[begin:])}"


def _spaced(text: str, *, symbols: bool = False) -> str:
    """Returns a text in its composed form (NFC) without signs that are not seen, such as those of direction."""
    composed = unicodedata.normalize("NFC", _mended(text[: 4 * LENGTH_LIMIT]))
    if not composed.isascii() or not composed.isprintable():
        dropped = {"Cc", "Cf", "Cs", "Co", "Cn"} | (set() if symbols else {"So", "Sk", "Sm"})
        kept = (" " if one.isspace() else one for one in composed)
        composed = "".join(one for one in kept if unicodedata.category(one) not in dropped)
        if not symbols:
            # The selector that makes a sign an emoji is a mark, as accents are.
            composed = composed.replace("\ufe0f", "")
    return _SPACE.sub(" ", composed).strip()[:LENGTH_LIMIT].strip()


def _mended(text: str) -> str:
    """Returns UTF-8 that was once read as Windows-1252 as it was meant: ``FranÃ§ois`` is ``François``."""
    if "Ã" not in text and "Â" not in text:
        return text
    try:
        return text.encode("cp1252").decode()
    except UnicodeError:
        return text


def _cased(text: str) -> str:
    words = text.casefold() if text.isupper() else text
    parts = re.split(r"([\s\-]+)", words)
    return "".join(_word(part, place == 0) for place, part in enumerate(parts))


def _word(word: str, first: bool) -> str:
    if word in PARTICLES and not first:
        return word
    match = _MAC.match(word)
    if match:
        return f"{match[1].capitalize()}{match[2].upper()}{match[3]}"
    return word[:1].upper() + word[1:]


def _bare(word: str) -> str:
    return word.casefold().replace(".", "").strip(",")


def _only(words: list[str], kind: frozenset[str]) -> bool:
    return all(_bare(word) in kind for word in words)


def _without(words: list[str]) -> list[str]:
    """Returns the words between titles and degrees; all, when nothing were left."""
    kept = list(words)
    while len(kept) > 1 and _bare(kept[0]) in TITLES:
        kept.pop(0)
    while len(kept) > 1 and _bare(kept[-1]) in SUFFIXES:
        kept.pop()
    return [word.strip(",") for word in kept]
