"""HTML of which every text is escaped, since no other way is offered."""

from __future__ import annotations

import html
from collections.abc import Iterable

VOID = ('img', 'meta')


class Html(str):
    """Text that is HTML already; made by :func:`element` alone."""


def element(tag: str, *children: object, **attributes: object) -> Html:
    """Make an element.

    Args:
        tag (str): Its name.
        children (object): :class:`Html` stays, lists are joined, all else is
            escaped text.
        attributes (object): ``class_`` is written ``class``.

    Returns:
        Html: The element.

    Example:
        >>> element('p', 'a < b', class_='note')
        '<p class="note">a &lt; b</p>'
    """
    words = ''.join(
        f' {name.rstrip("_")}="{html.escape(str(value))}"'
        for name, value in attributes.items()
    )
    if tag in VOID:
        return Html(f'<{tag}{words}>')
    return Html(f'<{tag}{words}>{_join(children)}</{tag}>')


def _join(children: Iterable[object]) -> str:
    return ''.join(
        child
        if isinstance(child, Html)
        else _join(child)
        if isinstance(child, (list, tuple))
        else html.escape(str(child))
        for child in children
    )
