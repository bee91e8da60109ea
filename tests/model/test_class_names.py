"""Other people's class names: guessed where plain, never where not, one line when unknown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskdet.detections import CLASS_NAMES, MaskState
from maskdet.errors import DatasetError, MaskdetError
from maskdet.model.class_names import STATE_WORDS, guess_state, map_states, meaning_of, word_of

RIGHT, NONE, WRONG = MaskState.with_mask, MaskState.without_mask, MaskState.mask_weared_incorrect


@pytest.mark.parametrize(
    ("names", "state"),
    [
        # the names of the projects and data sets in use
        ("with_mask|With mask|with-mask|WITH MASK|withmask|WithMask", RIGHT),
        ("mask|Mask|MASK|masks|masked|Masked|face_mask|FaceMask|facemask|masked_face", RIGHT),
        ("masked head|head with mask", RIGHT),
        ("wearing mask|mask_on|with|mask worn correctly|correct|Mask_Correct|properly", RIGHT),
        ("without_mask|Without mask|without-mask|WithoutMask|without|w/o mask", NONE),
        ("no_mask|No Mask|nomask|NoMask|no-mask|non_mask|not masked|unmasked|Unmasked", NONE),
        ("face_nomask|face_no_mask|maskless|mask off|mask_off|not wearing mask", NONE),
        ("mask_weared_incorrect|incorrect|Incorrect|incorrect_mask|Mask worn incorrectly", WRONG),
        ("improper|improperly worn|wrong|wrong_mask|mask not worn correctly|not_proper", WRONG),
        ("mask_on_chin|Mask_Chin|MaskUnderNose|under-the-chin|mask_below_nose|partial mask"
         "|partially_masked|mask not covering nose|mask worn over chin below nose", WRONG),
        ("Maske|mit Maske|con mascarilla|avec masque|com máscara|戴口罩|口罩", RIGHT),
        ("ohne Maske|keine_Maske|sin mascarilla|sans masque|sem máscara|未戴口罩|没有戴口罩", NONE),
        ("Maske falsch getragen|mascarilla mal puesta|口罩佩戴不规范|不正确佩戴口罩", WRONG),
        # what is not plain is the person's to say
        # parts of faces, masks by another name, and words of a face that is not whole
        ("nose|Nose|chin|nose_mask|NoseMask|no nose mask|mask_on_nose|nose under mask|partial|"
         "mask_on_head|mask over the head|"
         "mask,no_mask|[mask, no_mask]|with_mask/without_mask|correct/incorrect|"
         "partial face|no_nose|not wrong|without_mask_incorrect|Mask_Nose_Mouth", None),
        ("face|head|person|hat|helmet|unsure|none|background|0|1|yes|no|not|sin|mit|人脸", None),
        ("gas mask|unknown_mask|piano mask|mask2|masquerade|maskara|good|bad||_|" + "mask" * 50
         + "|mask over nose|mask_covering_chin|mask_below|under mask", None),
    ],
)  # fmt: skip
def test_guess(names: str, state: MaskState | None) -> None:
    assert {name: guess_state(name) for name in names.split("|")} == dict.fromkeys(
        names.split("|"), state
    )


def test_our_own_names_are_themselves() -> None:
    assert map_states(CLASS_NAMES) == [RIGHT, NONE, WRONG]


@given(st.text(max_size=100))
def test_any_text_is_guessed_or_not(name: str) -> None:
    assert guess_state(name) in (None, RIGHT, NONE, WRONG)


def test_what_a_person_says_wins() -> None:
    mapping = {"face": "without_mask", "mask": "mask_weared_incorrect", "absent": "with_mask"}
    assert map_states(["mask", "face", "NoMask"], mapping) == [WRONG, NONE, NONE]
    assert map_states([], mapping) == []


def test_a_class_may_show_no_face() -> None:
    assert map_states(["mask", "Hardhat"], {"Hardhat": "not_a_face"}) == [RIGHT, None]
    for word in STATE_WORDS:
        assert word_of(meaning_of(word)) == word


@pytest.mark.parametrize(
    ("names", "mapping", "words"),
    [
        (
            ["mask", "hat", "cap"],
            None,
            "class name 'hat', 'cap' (the classes are 'mask', 'hat', 'c",
        ),
        (["mask", "hat"], {"cap": "with_mask"}, "classes: {'hat': without_mask}"),
        (["mask"], {"mask": "masked"}, "'mask' cannot be 'masked'; states are with_mask, without"),
        (["mask"], {"mask": "unsure"}, "cannot be 'unsure'"),
        ([f"class{n}" for n in range(500)], None, "and 488 more"),
        (["x" * 9999, "y\nz"], None, r"'y\nz'"),
    ],
)
def test_an_unknown_name_is_one_line(
    names: list[str], mapping: dict[str, str] | None, words: str
) -> None:
    with pytest.raises(DatasetError) as error:
        map_states(names, mapping, where="labels.pbtxt", error=DatasetError)
    message = str(error.value)
    assert message.startswith("labels.pbtxt: ")
    assert words in message
    assert "\n" not in message
    assert len(message) < 900


def test_settings_are_wrong_unless_set_otherwise() -> None:
    with pytest.raises(MaskdetError, match="^unknown mask state") as error:
        map_states(["hat"])
    assert type(error.value).__name__ == "ConfigError"
