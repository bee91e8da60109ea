"""xml files as elements that know their line; without document types and entities."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder
from xml.sax import SAXException, SAXParseException
from xml.sax.handler import ContentHandler

import defusedxml.sax
from defusedxml import DefusedXmlException

from maskdet.datasets.formats.voc.xml_text import GUESSED, in_utf8, require_plain
from maskdet.datasets.problems import Problems
from maskdet.errors import DatasetError
from maskdet.system.text_files import stand_in


class _Builder(ContentHandler):
    """Builds elements that know their line, as an attribute of that name."""

    def __init__(self) -> None:
        super().__init__()
        self._builder = TreeBuilder()
        self._locator: Any = None

    def setDocumentLocator(self, locator: Any) -> None:  # noqa: N802 (the parser's name)
        """Keeps the parser, which knows the line."""
        self._locator = locator

    def startElement(self, name: str, attrs: Any) -> None:  # noqa: N802
        """An element begins."""
        self._builder.start(name, {"line": str(self._locator.getLineNumber())})

    def endElement(self, name: str) -> None:  # noqa: N802
        """An element ends."""
        self._builder.end(name)

    def characters(self, content: str) -> None:
        """Text within an element."""
        self._builder.data(content)

    def root(self) -> Element:
        """All of it."""
        return self._builder.close()


def parse(xml: Path, problems: Problems | None = None) -> Element:
    """The root of an xml file; document types and entities are refused.

    Args:
        xml: the file, in any encoding that it names and Python knows.
        problems: takes a note if it is in another encoding than it declares.

    Raises:
        FileNotFoundError: there is none.
        DatasetError: it is not xml.
    """
    builder = _Builder()
    try:
        raw = xml.read_bytes()
        if other := stand_in(raw):
            raise DatasetError(f"{xml}: {other}")
        content, guessed = in_utf8(raw)
        defusedxml.sax.parseString(content, builder, forbid_dtd=True)
        root = builder.root()
        if guessed:
            require_plain(element.text or "" for element in root.iter("name"))
            if problems is not None:
                problems.note(GUESSED, xml, "")
        return root
    except (FileNotFoundError, DatasetError):
        raise
    except SAXParseException as error:
        reason = f"{error.getMessage()} (line {error.getLineNumber()}){_advice(xml, error)}"
    except DefusedXmlException:
        reason = "it has a document type or entities (<!DOCTYPE …>), which may do harm; remove them"
    except (SAXException, OSError, LookupError, ValueError) as error:
        reason = " ".join(str(error).split())
    raise DatasetError(f"{xml}: cannot be read as xml: {reason}")


def _advice(xml: Path, error: SAXParseException) -> str:
    """The probable cause of what the parser found, and what to do."""
    message = error.getMessage()
    content = xml.read_bytes()
    if content.endswith(b"\0\0"):
        return "; it has zero bytes at its end, as a copy that was broken off: copy it again"
    if "no element found" in message or "unclosed token" in message:
        is_empty = not content.strip()
        return f"; the file {'is empty' if is_empty else 'ends too early'}: save or copy it again"
    if "invalid token" in message:
        return "; within a name, & is to be written as &amp; and < as &lt;"
    if "mismatched tag" in message:
        return "; an element is closed that is not open: correct that line, or save the file again"
    return "; save it again as xml"
