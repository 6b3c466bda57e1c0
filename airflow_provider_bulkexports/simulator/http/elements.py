"""HTML without a template engine: every text is escaped where it becomes part of an element."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["Html", "document", "element", "facts", "on_one_line", "table"]


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(tag: str, *content: str, **attributes: str) -> Html:
    """
    Make an element.

    :param content: What it holds; text that is not :class:`Html` is escaped.
    :param attributes: Its attributes; an underscore at the end of a name is dropped, as in ``class_``.
    """
    shown = "".join(f' {name.rstrip("_")}="{escape(value)}"' for name, value in attributes.items())
    return Html(f"<{tag}{shown}>{''.join(map(_html, content))}</{tag}>")


def on_one_line(text: str) -> Html:
    """Keep text on one line; a table scrolls sideways for it."""
    return element("span", text, class_="line")


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str) -> Html:
    """Make a table that scrolls sideways in a narrow window; the text ``empty`` if it has no rows."""
    shown = [element("tr", *(element("td", cell) for cell in row)) for row in rows]
    if not shown:
        return element("p", empty, class_="quiet")
    titles = element("thead", element("tr", *(element("th", title, scope="col") for title in head)))
    return element("div", element("table", titles, element("tbody", *shown)), class_="wide")


def facts(pairs: Iterable[tuple[str, str]]) -> Html:
    """Make a table of names and values."""
    rows = (element("tr", element("th", name, scope="row"), element("td", value)) for name, value in pairs)
    return element("div", element("table", element("tbody", *rows)), class_="wide facts")


def document(title: str, *content: str, note: str, refresh: int | None = None) -> str:
    """
    Make a page.

    :param note: Line at its end.
    :param refresh: Seconds after which the browser loads it again.
    """
    again = Html(f'<meta http-equiv="refresh" content="{refresh}">') if refresh else ""
    head = element("title", f"{title} · Twilio simulator")
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n{again}{head}\n'
        f"<style>{_STYLE}</style>\n"
        f'<body><header><a href="/">Twilio BulkExports, simulated</a></header>\n<main>\n{element("h1", title)}\n'
        + "\n".join(map(_html, content))
        + f"\n</main>\n{element('footer', note)}\n</body>\n</html>\n"
    )


def _html(part: str) -> str:
    return part if isinstance(part, Html) else escape(part)


#: The colours of days are those of Okabe and Ito, which colour-blind people can tell apart; each day has a letter, too.
_STYLE = """
:root { color-scheme: light dark; --line: #8886; --quiet: #595f69; --link: #0b57d0; --back: #fff; --text: #16181d }
@media (prefers-color-scheme: dark) {
  :root { --quiet: #a3abb8; --link: #8ab4f8; --back: #16181d; --text: #e6e8ec } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 76rem; padding: 1rem 1.5rem 2rem;
  background: var(--back); color: var(--text) }
a { color: var(--link) } header a { text-decoration: none } h1 { font-size: 1.5rem; margin: .5rem 0 1rem }
h1, .facts td { overflow-wrap: anywhere } .wide a { display: inline-block; max-width: 30rem; overflow-wrap: break-word }
.line { white-space: nowrap }
h2 { font-size: 1.1rem; margin: 1.8rem 0 .5rem }
.quiet, footer, caption { color: var(--quiet) } footer { margin-top: 2rem; font-size: .9rem }
.wide { overflow-x: auto } .wide table { border-collapse: collapse }
.wide :is(th, td) { text-align: left; vertical-align: top; padding: .3rem .9rem .3rem 0;
  border-top: 1px solid var(--line); font-weight: normal; min-width: 4.5rem }
.wide th { color: var(--quiet); white-space: nowrap } .wide thead :is(th) { border-top: 0 }
code { font: .92em ui-monospace, monospace }
button { font: inherit; padding: .25rem .8rem; cursor: pointer } form { margin: .6rem 0 }
.months { display: flex; align-items: flex-start; flex-wrap: wrap; gap: 1rem 1.6rem }
.months table { border-spacing: 3px }
.months caption { text-align: left; padding-left: 3px }
.months th { font-weight: normal; font-size: .8rem; color: var(--quiet) }
.day { width: 1.9rem; height: 1.9rem; text-align: center; border-radius: 4px; font-size: .8rem; line-height: 1.05;
  padding: 0; color: var(--quiet) }
.day b { display: block }
.legend { display: flex; flex-wrap: wrap; gap: .4rem 1.2rem; margin: .8rem 0; padding: 0; list-style: none }
.legend .day { display: inline-block; line-height: 1.9rem; margin-right: .4rem } .legend .day b { display: inline }
.Completed { background: #0072b2; color: #fff } .CompletedEmptyRecords { background: #56b4e9; color: #000 }
.Failed { background: #d55e00; color: #000 } .Running { background: #f0e442; color: #000 }
.ErrorDuringRun { background: #e69f00; color: #000 } .Submitted { background: #d7d9dd; color: #000 }
.DeletedByUserRequest { background: #55585f; color: #fff } .RunningToBeDeleted { background: #cc79a7; color: #000 }
"""
