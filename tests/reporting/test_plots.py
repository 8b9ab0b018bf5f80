"""The curves of a run."""

import re

import numpy as np
import pytest

import zoo.metrics
from zoo.reporting import curves, sheet, to_array
from zoo.reporting.plots import lines_of, number, overlay

HISTORY = {
    "loss": [240.0, 120.5, 80.25],
    "mig": [0.01, 0.2, 0.313],
    "kl": [1.0, 5.0, 12345.6],
    "sap": [0.0, 0.01, 0.04],
}


def plots(figure):
    """The panels: all axes but the page."""
    return figure.axes[1:]


def lines(plot):
    """A panel's connected lines, without its markers."""
    return [line for line in plot.lines if line.get_linestyle() != "None"]


def notes(plot):
    return "\n".join(text.get_text() for text in plot.texts)


def test_losses_come_before_scores_each_with_its_last_value(texts):
    figure = curves(HISTORY, protocol="MIG: 10,000 samples")
    page = [text.get_text() for text in figure.axes[0].texts]
    assert page[0] == "Losses and scores over the run"
    assert page[2] == "MIG: 10,000 samples"
    assert page[3:] == ["80.25", "loss", "12,346", "kl", "0.313", "mig", "0.040", "sap"]
    assert [line.get_ydata().tolist() for p in plots(figure) for line in lines(p)] == [
        HISTORY[name] for name in ("loss", "kl", "mig", "sap")
    ]


def test_the_axis_counts_epochs_or_steps():
    for steps, unit, wanted in ((None, "epoch", [1, 2, 3]), (300, "step", [300, 600, 900])):
        plot = plots(curves(HISTORY, steps))[0]
        assert plot.get_xlabel() == unit
        assert lines(plot)[0].get_xdata().tolist() == wanted
        assert plot.get_xlim()[0] == 0


def test_ticks_are_short():
    plot = plots(curves({"loss": [1.0, 2.0]}, 150_000))[0]
    assert [t.get_text() for t in plot.get_xticklabels()] == ["0", "100k", "200k", "300k"]
    plot = plots(curves({"loss": [1.0, 2.0, 3.0]}, 1000))[0]
    assert [t.get_text() for t in plot.get_xticklabels()] == ["0", "1,000", "2,000", "3,000"]


@pytest.mark.parametrize(
    ("best", "top"), [(0.02, 0.05), (0.09, 0.1), (0.31, 0.4), (0.99, 1.0), (1.0, 1.0)]
)
def test_a_scores_axis_goes_from_zero_to_a_round_number(best, top):
    assert plots(curves({"mig": [0.0, best]}))[0].get_ylim() == (0, top)


def test_a_score_of_one_is_drawn_in_its_whole_width_and_a_steep_start_is_cut():
    [score] = plots(curves({"mig": [0.5, 1.0, 1.0]}))
    assert not any(line.get_clip_on() for line in score.lines)
    [loss] = plots(curves({"loss": [900.0] + [3.0, 1.0] * 15}))
    assert lines(loss)[0].get_clip_on()


def test_negative_scores_and_those_above_one_are_shown():
    low, high = plots(curves({"sap": [-0.5, 0.2]}))[0].get_ylim()
    assert low < -0.5 < 0.2 <= high
    low, high = plots(curves({"mig": [20.0, 90.0]}))[0].get_ylim()
    assert low < 20 < 90 < high


def test_other_names_can_be_scores(texts):
    figure = curves({"accuracy": [0.5, 0.7], "loss": [2.0, 1.0]}, scores=["accuracy"])
    assert texts(figure)[2:6] == ["1", "loss", "0.700", "accuracy"]
    assert plots(figure)[1].get_ylim() == (0, 0.8)


def test_whatever_the_metrics_give_is_a_score(texts, monkeypatch):
    def brand_new(codes) -> float: ...

    history = {"brand_new": [0.5, 0.7], "loss": [2.0, 1.0]}
    assert texts(curves(history))[0] == "Losses over the run"
    monkeypatch.setattr(zoo.metrics, "brand_new", brand_new, raising=False)
    monkeypatch.setattr(zoo.metrics, "__all__", [*zoo.metrics.__all__, "brand_new"])
    assert texts(curves(history))[0] == "Losses and scores over the run"


def test_only_losses_say_so(texts):
    assert texts(curves({"loss": [1.0]}))[0] == "Losses over the run"
    assert texts(curves({"mig": [1.0]}))[0] == "Scores over the run"


def test_validation_shares_a_panel(texts):
    figure = curves({"loss": [3.0, 2.0], "val_loss": [3.5, 2.5], "val_mig": [0.1, 0.2]})
    assert len(plots(figure)) == 2
    colors = [line.get_color() for line in lines(plots(figure)[0])]
    assert len(set(colors)) == 2
    assert "Orange: validation." in texts(figure)[1]
    assert texts(figure)[2:5] == ["2.5", "2", "loss"]
    assert "val_mig" in texts(figure)
    assert "validation" not in texts(curves({"loss": [1.0]}))[1]


def test_one_epoch_is_a_marker(inside):
    figure = curves({name: values[:1] for name, values in HISTORY.items()}, 300)
    for plot in plots(figure):
        assert any(line.get_marker() == "o" and len(line.get_xdata()) for line in plot.lines)
    assert inside(figure)
    blue = (to_array(figure) == [0, 114, 178]).all(axis=-1)
    assert blue.sum() > 4 * 20  # a dot a panel, and the values' letters


def test_a_rule_leads_to_a_dot_that_is_alone():
    def rules(values):
        return list(plots(curves({"loss": values}, 10))[0].collections)

    for values, end in (([3.0], 10), ([np.nan, 3.0], 20)):
        (rule,) = rules(values)
        assert rule.get_segments()[0].tolist() == [[0, 3], [end, 3]]
    assert rules([3.0, 2.0]) == rules([np.nan]) == []


def test_a_shorter_list_holds_the_last_epochs_and_validation_every_few():
    history = {"loss": [5.0, 4.0, 3.0, 2.0, 1.0], "mig": [0.1, 0.2], "val_loss": [4.5, 2.5]}
    steps = {name: line.x.tolist() for name, line in lines_of(history, pace=10).items()}
    assert steps == {"loss": [10, 20, 30, 40, 50], "mig": [40, 50], "val_loss": [20, 40]}
    drawn = [lines(plot) for plot in plots(curves(history, 10))]
    assert [[line.get_xdata().tolist() for line in panel] for panel in drawn] == [
        [steps["loss"], steps["val_loss"]],
        [steps["mig"]],
    ]
    assert {plot.get_xlim() for plot in plots(curves(history, 10))} == {(0, 51.5)}


def test_a_value_between_gaps_is_a_marker():
    values = np.ones(30)
    values[1::2] = np.nan
    markers = plots(curves({"loss": values}))[0].lines[1]
    assert len(markers.get_xdata()) == 15
    values = np.ones(30)
    values[10] = np.nan
    assert not len(plots(curves({"loss": values}))[0].lines[1].get_xdata())


def test_a_run_that_ends_in_nan_says_since_when_and_keeps_its_last_value(texts):
    figure = curves({"loss": [3.0, 2.0, np.nan, np.inf], "kl": [np.nan, 1.0, np.nan, 2.0]}, 10)
    assert texts(figure)[2:6] == ["2", "loss", "2", "kl"]
    assert notes(plots(figure)[0]) == "NaN from epoch 3 on"
    assert notes(plots(figure)[1]) == ""
    assert plots(figure)[0].get_xlim()[1] >= 40  # the run went on


def test_a_score_that_ends_in_infinity_says_so(texts):
    name = "gaussian_total_correlation"
    figure = curves({name: [0.5, np.inf, np.inf]})
    assert texts(figure)[2:4] == ["0.500", name]
    assert notes(plots(figure)[0]) == "∞ from epoch 2 on"
    assert texts(curves({name: [np.inf, np.inf]}))[2] == "∞"
    assert texts(curves({name: [np.nan, -np.inf]}))[2] == sheet.MINUS + "∞"


def test_nothing_finite_is_said(texts, inside):
    figure = curves({"loss": [np.nan, -np.inf], "mig": [np.nan, np.nan]})
    assert [notes(plot) for plot in plots(figure)] == ["no finite value"] * 2
    assert texts(figure)[2:4] == [sheet.MINUS + "∞", "loss"]
    assert inside(figure)


def test_a_steep_start_leaves_the_top_and_is_told():
    values = [1000.0] + [10 + 10 / epoch for epoch in range(1, 40)]
    plot = plots(curves({"loss": values}))[0]
    low, high = plot.get_ylim()
    assert low < 10.3 < 15 < high < 30
    assert notes(plot) == "starts at 1,000"
    short = plots(curves({"loss": values[:10]}))[0]  # where nothing is lost, nothing is cut
    assert short.get_ylim()[1] > 1000
    assert notes(short) == ""


@pytest.mark.parametrize(
    "values",
    [
        [0.0, 0.0],
        [5.0, 5.0, 5.0],
        [23.41, 23.41 + 1e-9],
        [1e-9, 2e-9, -3e-9],
        [1e12, 5e12],
        [-250.5, -251.25],
        [99_999.0, 3.0],
        [0.001] * 3,
    ],
)
def test_every_range_is_laid_out(values, inside, overlapping):
    figure = curves({"loss": values, "mig": values, "a_name_that_is_much_too_long" * 3: values})
    for plot in plots(figure):
        low, high = plot.get_ylim()
        assert low <= min(values) <= max(values) <= high
        labels = [text.get_text() for text in plot.get_yticklabels()]
        assert labels
        assert len(set(labels)) == len(labels)
    assert inside(figure)
    assert not overlapping(figure)


@pytest.mark.parametrize("count", [1, 2, 4, 7])
def test_any_number_of_names(count, inside):
    figure = curves({f"term_{index}": [1.0, 2.0] for index in range(count)})
    assert len(plots(figure)) == count
    assert round(figure.bbox.width) == 900
    assert inside(figure)


@pytest.mark.parametrize(
    ("value", "score", "expected"),
    [
        (0.31249, True, "0.312"),
        (0.5, True, "0.500"),
        (49.3912, False, "49.39"),
        (12345.6, False, "12,346"),
        (-0.5, False, "\N{MINUS SIGN}0.5"),
        (0.0, False, "0"),
        (3.2e9, False, "3.2e+09"),
    ],
)
def test_numbers_are_written_as_people_read_them(value, score, expected):
    assert number(value, score) == expected


@pytest.mark.parametrize(
    ("history", "message"),
    [
        (
            {},
            "at least one name, and a value at least for every name. Received lengths: {}",
        ),
        ({"loss": []}, "Received lengths: {'loss': 0}."),
        ({"loss": [1.0, 2.0], "mig": []}, "Received lengths: {'loss': 2, 'mig': 0}."),
        ({"loss": 3.0}, "history['loss']: a list of numbers, one for each epoch. Received: 3.0."),
        ({"loss": ["a"]}, "Received: ['a']."),
        ({"loss": [None]}, "Received: [None]."),
        ({"loss": [[1.0]]}, "Received: [[1.0]]."),
    ],
)
def test_wrong_histories_are_refused(history, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        curves(history)


@pytest.mark.parametrize("steps", [0, -1, 1.5, "10"])
def test_wrong_steps_are_refused(steps):
    message = f"steps_per_epoch: a whole number above 0, or None. Received: {steps!r}."
    with pytest.raises(ValueError, match=re.escape(message)):
        curves(HISTORY, steps)


# Several runs in one plot


def test_runs_of_different_lengths_share_a_plot():
    first = lines_of({"loss": [3.0, 2.0, 1.0]}, pace=100)["loss"]
    second = lines_of({"loss": [5.0, np.nan]}, pace=400, color=sheet.VERMILLION, dashes=(4, 2))
    (plot,) = overlay([first, second["loss"]]).axes
    drawn = lines(plot)
    assert [line.get_xdata().tolist() for line in drawn] == [[100, 200, 300], [400, 800]]
    assert [line.get_color() for line in drawn] == [sheet.BLUE, sheet.VERMILLION]
    assert [line.is_dashed() for line in drawn] == [False, True]
    assert plot.get_xlim() == (0, 824)
    assert plot.get_ylim()[1] > 5
    assert notes(plot) == "NaN from epoch 2 on"


def test_an_overlay_of_scores_starts_at_zero_and_stays_on_the_page(inside):
    line = lines_of({"mig": [0.2, 0.31]}, pace=150_000)["mig"]
    figure = overlay([line], score=True)
    assert figure.axes[0].get_ylim() == (0, 0.4)
    assert inside(figure)


def test_nothing_to_overlay_is_refused():
    with pytest.raises(ValueError, match=r"at least one line to draw\. Received: none\."):
        overlay([])
