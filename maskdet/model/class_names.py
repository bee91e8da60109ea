"""Which mask state somebody else's class name means: ``NoMask``, ``face_mask``, ``With mask`` …"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from maskdet.detections import CLASS_NAMES, MaskState
from maskdet.errors import ConfigError, MaskdetError

StatesByNumber: TypeAlias = Mapping[int, MaskState | None]
"""What each class number of a model means; None: it shows no face, and is left out."""
_MASK = {"mask", "masks", "masked"}
_NOT = {"no", "non", "not", "un", "without", "wo", "less", "off"}
_WRONG = {
    "incorrect", "incorrectly", "improper", "improperly", "wrong", "wrongly", "misworn",
    "partial", "partially",
}  # fmt: skip
_PARTLY = {"partial", "partially"}
"""Words of a mask, but of a face that is half in the picture, too."""
_PARTS = {"nose", "chin"}
"""Parts of a face: classes of their own in other data sets, and ``nose mask`` is a mask's name."""
_RIGHT = {"correct", "correctly", "proper", "properly", "rightly"}
_FILLING = {
    "a", "the", "with", "on", "of", "over", "covering",
    "face", "faces", "head", "person", "people", "human",
}  # fmt: skip
# German, Spanish, French, Portuguese, Italian and Chinese, as data sets have them
_MASK |= {"maske", "masken", "mascarilla", "tapabocas", "masque", "máscara", "mascara",
          "mascherina", "口罩"}  # fmt: skip
_NOT |= {"ohne", "kein", "keine", "sin", "sans", "sem", "senza", "未", "没", "没有", "无", "不"}
_WRONG |= {"falsch", "incorrecta", "incorrecto", "incorrecte", "incorreta", "errata",
           "malpuesta", "malpuesto", "malcolocada", "malporté", "malporte",
           "不规范", "不正确", "错误"}  # fmt: skip
_RIGHT |= {"richtig", "correcta", "correcto", "correcte", "correta", "corretta", "正确", "规范"}
_PLACED = {"under", "below"}
"""Words of names that are plain only with what a mask is under: ``mask_below``."""
_WEARING = {"wear", "wears", "weared", "wearing", "worn"}
_FILLING |= {"mit", "getragen", "con", "avec", "com", "puesta", "colocada", "portée", "戴", "佩戴",
             "带", "有", "人脸", "的"}  # fmt: skip
_ALL = _MASK | _NOT | _WRONG | _RIGHT | _PARTS | _PLACED | _WEARING | _FILLING
_WORD = re.compile("|".join(sorted(_ALL, key=len, reverse=True)))
_LEAVES_OUT = re.compile(
    r"\b((under|below)|(not|without)\b.* (covering|over))( the| of)* (nose|chin)\b"
)
"""Words in the order that says that a mask leaves nose or chin out; not ``nose under mask``."""
_ON_HEAD = re.compile(r"\b(on|over)( the)* head\b")
"""A mask that is pushed up, which is not that of a ``masked head``."""
_MAX_NAME_LENGTH = 80
"""Characters of a name beyond which nothing is guessed."""
_MAX_LISTED = 12
NOT_A_FACE = "not_a_face"
"""Instead of a state: boxes of that class name show no face (a hat, a whole person)."""
STATE_OPTION = "--state NAME=STATE"
"""How a command line says the same, in messages."""
ClassMeaning: TypeAlias = Literal[
    "with_mask", "without_mask", "mask_weared_incorrect", "not_a_face"
]
"""Everything that a person may say a class name means."""
STATE_WORDS = (*CLASS_NAMES, NOT_A_FACE)
"""The same, as values."""
_STATES = f"{', '.join(CLASS_NAMES)}, and {NOT_A_FACE} for a class whose boxes show none"


def guess_state(name: str) -> MaskState | None:
    """The state that a class name means, or None where that is not plain.

    Case, spaces and punctuation do not matter. A name with any word that is not known here
    (``gas mask``, ``unknown_mask``, ``hat``) is left to the person to say.
    """
    if len(name) > _MAX_NAME_LENGTH:
        return None
    whole = unicodedata.normalize("NFC", name.casefold())
    letters = "".join(char for char in whole if char.isalnum())
    words = set(found := _WORD.findall(letters))
    if not letters or "".join(found) != letters:
        return None
    if sum(word in _MASK for word in found) > 1 or (words & _WRONG and words & _RIGHT):
        return None  # several names in one: mask,no_mask
    if _ON_HEAD.search(" ".join(found)):
        return None
    if words & _PARTS and not words & _WRONG:
        return MaskState.mask_weared_incorrect if _is_too_low(found, words) else None
    if words & _WRONG:
        is_plain = not words & _NOT and (words - _PARTLY) & (_WRONG | _MASK | _WEARING)
        return MaskState.mask_weared_incorrect if is_plain else None
    if words & _PLACED:
        return None
    if words & _RIGHT:
        return MaskState.mask_weared_incorrect if words & _NOT else MaskState.with_mask
    if words & _MASK or words in ({"with"}, {"without"}):
        return MaskState.without_mask if words & _NOT else MaskState.with_mask
    return None


def _is_too_low(found: Sequence[str], words: set[str]) -> bool:
    """Whether a mask is plainly said to leave the nose out, or to hang at the chin."""
    if _LEAVES_OUT.search(" ".join(found)):
        return True
    is_placed = words & (_NOT | _PLACED | {"over", "covering", "nose"})
    return bool(words & _MASK) and not is_placed  # mask_chin, mask on chin


def map_states(
    names: Sequence[str],
    mapping: Mapping[str, str] | None = None,
    *,
    where: str = "",
    error: type[MaskdetError] = ConfigError,
) -> list[MaskState | None]:
    """The state of each class, in order: by what a person has chosen, else by guess.

    None for one that a person has called `NOT_A_FACE`.

    Args:
        names: of a data set's or a model's classes.
        mapping: `STATE_WORDS` by class name; wins over the guess. It may name classes that are not
            there.
        where: the file or setting that the names come from; begins the message.
        error: raised if a name stays unknown.

    Raises:
        MaskdetError: of that kind; one line that names what is unknown and lists what there is.
    """
    chosen = {
        name: _named_state(name, state, where, error) for name, state in (mapping or {}).items()
    }
    guessed = {name: guess_state(name) for name in names if name not in chosen}
    if unknown := [name for name in names if name in guessed and guessed[name] is None]:
        raise error(
            f"{_begin(where)}unknown mask state in class name {_listed(unknown)} "
            f"(the classes are {_listed(names)}); set it in the settings, as in classes: "
            f"{{{_shown(unknown[0])}: {CLASS_NAMES[1]}}}; states are {_STATES}"
        )
    return [chosen[name] if name in chosen else guessed[name] for name in names]


def meaning_of(word: str) -> MaskState | None:
    """The state that one of `STATE_WORDS` is; None for `NOT_A_FACE`.

    Raises:
        KeyError: it is none of them.
    """
    return None if word == NOT_A_FACE else MaskState[word]


def word_of(state: MaskState | None) -> str:
    """The word of `STATE_WORDS` for a state."""
    return NOT_A_FACE if state is None else state.name


def parse_states(texts: Sequence[str] | None) -> dict[str, str]:
    """The values of ``--state``, ``NAME=STATE`` each, as a mapping for `map_states`.

    Raises:
        ConfigError: one has no name or no state.
    """
    chosen = {}
    for text in texts or ():
        name, _, state = text.rpartition("=")
        if not name or not state:
            raise ConfigError(f"--state {text}: expected NAME=STATE, as in no_mask=without_mask")
        chosen[name] = state
    return chosen


def _named_state(name: str, state: str, where: str, error: type[MaskdetError]) -> MaskState | None:
    if state not in STATE_WORDS:
        raise error(
            f"{_begin(where)}classes: {_shown(name)} cannot be {_shown(state)}; "
            f"states are {_STATES}"
        )
    return meaning_of(state)


def _begin(where: str) -> str:
    return f"{where}: " if where else ""


def _shown(name: str) -> str:
    return repr(name[:40])


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    return ", ".join(map(_shown, names[:_MAX_LISTED])) + more
