"""First paint of a scored 24 h recording: in the app, and on a browser load."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from benchmarks import plotly_day, probe
from benchmarks.bench import PEERS, Bench, Site, dashboard, serve
from benchmarks.figures import Figure, Row, at_most, number, percentile_95

_REPEATS = 7
_PEER_REPEATS = 3
_IN_APP_S = 0.5
_BEYOND_EMPTY_S = 1.0
_EMPTY_TEXT = "nothing here"
# the last tile of trace, spectrogram or metrics that the first screen asked for
_LAST_TILE = """
() => Math.max(...performance.getEntriesByType("resource")
  .filter((entry) => /\\/tiles\\/.*\\/(trace|spectrogram|table)\\//.test(entry.name))
  .map((entry) => entry.responseEnd)) - (window.benchClicked || 0)
"""


def measure(bench: Bench) -> Iterator[Row]:
    """Click on Review, then load the page by its address beside an empty one."""
    site = bench.long
    judged = not bench.quick
    empty = serve(PEERS / "empty_page.py", bench.new_folder("empty"))
    with dashboard(site) as url, empty as empty_url:
        in_app, tiles = _in_app(bench, url)
        loads = [_loads(bench, url, empty_url, site) for _ in range(bench.repeats(_REPEATS))]
    plotly = list(_plotly_loads(bench))
    within = at_most(median(in_app), _IN_APP_S) if judged else None
    yield Row(
        what=f"first paint of {site.length}: click on Review to painted",
        median=median(in_app),
        p95=percentile_95(in_app),
        unit="s",
        n=len(in_app),
        budget=f"<= {_IN_APP_S:g} s" + ("" if judged else " on 24 h"),
        within=within,
        peer=f"{number(in_app[0])} s first of the server",
    )
    yield Row(
        what=f"first paint of {site.length}: click to the last tile of overview and metrics",
        median=median(tiles),
        p95=percentile_95(tiles),
        unit="s",
        n=len(tiles),
    )
    review, plain = ([load[i] for load in loads] for i in (0, 1))
    beyond = median(review) - median(plain)
    yield Row(
        what=f"browser load of the review page, {site.length}, beyond an empty page",
        median=beyond,
        unit="s",
        n=len(loads),
        budget=f"<= {_BEYOND_EMPTY_S:g} s" + ("" if judged else " on 24 h"),
        within=at_most(beyond, _BEYOND_EMPTY_S) if judged else None,
        peer=f"{number(median(review))} s against {number(median(plain))} s, "
        f"{number(median(review) / median(plain))}x",
    )
    yield Row(
        what=f"browser load of {site.length} as st.plotly_chart figures",
        median=median(plotly),
        unit="s",
        n=len(plotly),
        peer=f"{number(median(plotly) / median(review))}x the review page",
    )


def _in_app(bench: Bench, url: str) -> tuple[list[float], list[float]]:
    """Return click to painted and click to the last tile, s; each in an empty browser cache."""
    painted, tiles = [], []
    for _ in range(bench.repeats(_REPEATS)):
        with bench.tab() as page:
            page.goto(url)
            review = page.get_by_role("button", name="Review", exact=True)
            review.wait_for()
            page.wait_for_timeout(700)
            probe.await_ready(page, probe.PAINTED)
            review.click()
            painted.append(probe.ready(page, since_click=True).shown / 1000)
            page.wait_for_timeout(1500)
            tiles.append(page.evaluate(_LAST_TILE) / 1000)
    return painted, tiles


def _loads(bench: Bench, url: str, empty_url: str, site: Site) -> tuple[float, float]:
    """Return one load of the review page and one of the empty page, s."""
    address = f"{url}/review?recording={site.alias}"
    return (
        _load(bench, address, probe.PAINTED),
        _load(bench, empty_url, probe.text_shown(_EMPTY_TEXT)),
    )


def _plotly_loads(bench: Bench) -> Iterator[float]:
    with plotly_day.peer(bench) as url:
        for _ in range(bench.repeats(_PEER_REPEATS)):
            with bench.tab() as page:
                yield plotly_day.open_page(page, url) / 1000


def _load(bench: Bench, address: str, ready: str) -> float:
    with bench.tab() as page:
        probe.await_ready_on_load(page, ready)
        page.goto(address)
        return probe.ready(page, since_click=False).shown / 1000


FIGURE = Figure(
    name="first-paint",
    title="first paint of a scored 24 h recording",
    budget=f"<= {_IN_APP_S:g} s in-app; on a browser load <= {_BEYOND_EMPTY_S:g} s beyond an "
    "empty Streamlit page in the same run",
    measure=measure,
)
