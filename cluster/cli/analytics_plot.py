"""A tenant's figures by day, drawn to a PNG file."""

from datetime import date
from pathlib import Path
from typing import Final

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from node.errors import StorageError
from protos.v1.analytics_pb2 import GetAnalyticsResponse

_SIZE_INCHES: Final = (10, 8)
_DPI: Final = 120
_MICROS: Final = 1_000_000


def draw(response: GetAnalyticsResponse, tenant: str, path: Path) -> None:
    """Searches, what comes of them, and revenue, one above the other.

    Raises:
        StorageError: the file cannot be written.
    """
    days = [date.fromisoformat(day.name) for day in response.days]
    figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
    FigureCanvasAgg(figure)
    searches, acts, revenue = figure.subplots(3, 1, sharex=True)
    searches.set_title(f"{tenant}, {response.days[0].name} to {response.days[-1].name}")
    searches.plot(days, [day.searches for day in response.days], label="searches")
    searches.plot(days, [day.no_result_searches for day in response.days], label="without results")
    acts.plot(days, [day.clicks for day in response.days], label="clicks")
    acts.plot(days, [day.add_to_carts for day in response.days], label="into carts")
    acts.plot(days, [day.purchases for day in response.days], label="purchases")
    whole = [day.revenue_micros / _MICROS for day in response.days]
    credited = [day.attributed_revenue_micros / _MICROS for day in response.days]
    revenue.bar(days, whole, color="lightgrey", label=f"revenue {response.currency_code}".rstrip())
    revenue.bar(days, credited, label="attributed")
    for axes in (searches, acts, revenue):
        axes.set_ylim(bottom=0)
        axes.legend(loc="upper left", frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    revenue.tick_params(axis="x", rotation=30)
    try:
        figure.savefig(path, dpi=_DPI, format="png")
    except OSError as error:
        raise StorageError(f"{path}: cannot be written ({error.strerror})") from error
