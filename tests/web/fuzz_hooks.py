"""Teaches schemathesis what OpenAPI cannot say: which bytes are a picture."""

from __future__ import annotations

import schemathesis
from hypothesis import strategies as st

from tests.web.servers import encoded, of_phone

SIDES = st.integers(1, 200)


def pictures(*suffixes: str) -> st.SearchStrategy[bytes]:
    return st.builds(encoded, st.sampled_from(suffixes), SIDES, SIDES)


def phone_pictures(kind: str) -> st.SearchStrategy[bytes]:
    return st.builds(of_phone, st.just(kind), SIDES, SIDES)


schemathesis.openapi.format("binary", pictures(".png", ".jpg", ".webp"))
for kind, suffix in (("png", ".png"), ("jpeg", ".jpg"), ("webp", ".webp")):
    schemathesis.openapi.media_type(f"image/{kind}", pictures(suffix))
for kind in ("heic", "avif"):
    schemathesis.openapi.media_type(f"image/{kind}", phone_pictures(kind))
schemathesis.openapi.media_type("application/octet-stream", pictures(".png", ".jpg", ".webp"))
