"""How the command line's tables look: light, so that they fit a narrow terminal."""

from rich import box
from rich.table import Table


def new_table(title: str | None = None) -> Table:
    """An empty table."""
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
