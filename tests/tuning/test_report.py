"""The page of a study: what stands on it, in a real browser too, and what its numbers are."""

import contextlib
import dataclasses

import numpy as np
import pytest
from rich.console import Console

from tests.reporting.conftest import compared_arrays, drawn_arrays
from tests.test_cli import refused
from tuning import report
from tuning.figures import Scale
from tuning.importance import importance
from tuning.searching import say_where
from tuning.study import Study, StudyFolder, Trial
from zoo.metrics import Score

BETAS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
REASON = "seed 1: The loss is nan in epoch 2, <b>."


def made(path, betas=BETAS, seeds=2, method="beta_vae", drawn=None, epochs=3, **given):
    """A study whose scores are best at beta = 4; the second of several trials failed."""
    folder = StudyFolder(path)
    objective, other = ("mig", "reconstruction") if method == "beta_vae" else ("knn_accuracy", None)
    data = {"data": "dsprites" if other else "digits", "steps": 30, "epochs": 3}
    study = Study.planned(method, objective, "random", 9, seeds, layers=[data], **given)
    folder.begin(study, {"keras": "3.15.1"})
    for number, beta in enumerate(betas):
        values = {knob.name: beta if knob.name == "beta" else knob.high for knob in study.space}
        if number == 1:
            folder.record(Trial(number, values, 3, "failed", REASON))
            continue
        scores = []
        for seed in range(seeds):
            score = 0.4 - 0.1 * abs(np.log(beta / 4)) / np.log(2) + 0.01 * seed
            named = {study.aim.score: score, **({other: 30 + beta} if other else {})}
            how = {"data": "d", "split": "validation", "samples": 90}
            scores.append({name: Score(name, value, how) for name, value in named.items()})
            run = folder.run(number, seed)
            settings = study.settings_of(values, seed).model_dump()
            run.write("config", {"settings": settings, "data": {"name": "d"}, "images": 9})
            run.write("history", {"loss": [90.0, 60.0, 30 + beta], "mig": [0.0, 0.1, score]})
            run.write("scores", {})
            (drawn or drawn_arrays(latents=4)).save(run.pictures / "drawn.npz")
        length = epochs if number else 3
        given = (length, "finished", "", 10.0 + number, tuple(scores), 1000 - 10 * number)
        folder.record(Trial(number, values, *given))
    return folder


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return made(tmp_path_factory.mktemp("studies") / "a & <b>", ranges={"learning_rate": (0.1, 1)})


@pytest.fixture(scope="module")
def text(study):
    return report.page(study)


SECTIONS = ["Trials", "Seeds", "Knobs", "Parallel coordinates", "Front", "Curves"]
LAST = ["Settings", "Environment"]


@pytest.mark.parametrize("width", [1200, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_is_shown_and_nothing_is_fetched(text, tmp_path, browser, width, scheme):
    path = tmp_path / "report.html"
    path.write_text(text)
    shown = browser.open(path, width=width, prefers_color_scheme=scheme)
    assert shown.console == []
    assert shown.fetched == [path.as_uri()]
    assert shown.overflow <= 0
    assert shown.broken_images == []
    assert shown.all("h2") == [*SECTIONS, "Traversals", "Failed", *LAST]
    assert all(height > 0 for height in shown.all("section", "offsetHeight"))
    assert all(height > 100 for height in shown.all(".chart svg", "clientHeight"))
    assert len(shown.all(".chart svg")) == 3 + 2 + 2  # knobs, curves
    assert len(shown.all("img")) == 3 * 4  # two seeds of the best, one of the knee
    assert all(shown.all("[role=img], [role=region]", "ariaLabel"))
    assert all(scope in ("row", "col") for scope in shown.all("th", "scope"))
    targets = (
        "return [...document.querySelectorAll('nav a')].every(a => document.querySelector(a.hash))"
    )
    assert shown.run(targets)


def test_what_is_best_is_said_with_how_to_train_it(study, text):
    words = " ".join(text.split())
    assert "zoo train --from-study &#39;a &amp; &lt;b&gt;&#39; --pick best" in words
    assert "Trial 3 is best." in words
    assert "Trial 2 is the knee" in words
    assert "<b>0.405</b>best mig" in words
    assert "0.400 to 0.410" in words
    protocol = "data d, split validation, 90 samples"
    assert f"Measured at the end of each run: mig, reconstruction: {protocol}.</p>" in words
    assert "trial 3 is in trials/0003, and <code>--pick 3</code> takes it" in words
    assert "random search · 7 of at most 9 trials · 2 seeds each" in words
    assert "Seeds of one setting differ by 0.007, the means of settings by 0.121" in words


def test_its_command_works_where_the_page_was_written(tmp_path, monkeypatch):
    """Of the folders above it the page of a study elsewhere says nothing."""
    monkeypatch.chdir(tmp_path)
    folder = made(tmp_path / "runs" / "study", betas=(4.0,), seeds=1)
    said = "<code>zoo train --from-study {} --pick best</code>"
    for path in (folder.path, folder.path.relative_to(tmp_path)):
        text = report.page(StudyFolder(path))
        assert said.format("runs/study") in text
        assert report.ELSEWHERE not in text
    monkeypatch.chdir(folder.path.parent)
    assert said.format("study") in report.page(folder)
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    text = report.page(folder)
    assert said.format("study") in text
    assert str(tmp_path) not in text
    assert report.ELSEWHERE in text


def test_failures_are_told_with_their_reasons(text):
    assert "The loss is nan in epoch 2, &lt;b&gt;." in text
    assert "<b>2</b>" not in text


def test_the_same_records_give_the_same_page(study, text):
    assert report.page(study) == text
    assert report.write(study) == study.path / "report.html"
    assert (study.path / "report.html").read_text() == text


@pytest.mark.parametrize(
    ("given", "sections"),
    [
        ({"betas": ()}, []),
        ({"betas": (4.0,)}, ["Trials", "Knobs", "Curves", "Traversals"]),
        (
            {"method": "simclr", "betas": (2.0, 1.0, 4.0), "drawn": compared_arrays()},
            [*SECTIONS[:1], *SECTIONS[2:], "Neighbours", "Failed"],
        ),
        (
            {"betas": (4.0, 1.0, 8.0), "epochs": 1},
            ["Trials", "Knobs", "Parallel coordinates", "Curves", "Traversals", "Failed"],
        ),
    ],
    ids=["none", "one", "views", "lengths"],
)
def test_what_is_not_there_is_left_out(tmp_path, browser, given, sections):
    folder = made(tmp_path / "study", seeds=1, **given)
    shown = browser.open(report.write(folder))
    assert shown.console == []
    assert shown.all("h2") == [*sections, *LAST]
    assert ("No trial has finished yet." in shown.all("p")) == (not given["betas"])


def test_a_trial_whose_weights_are_not_known_is_none_of_the_front(tmp_path):
    folder = made(tmp_path / "study", betas=(2.0, 1.0, 4.0), seeds=1, method="simclr")
    folder.record(dataclasses.replace(folder.trials[0], weights=None, seconds=None))
    words = " ".join(report.page(folder).split())
    assert "Trial 2 is best." in words
    assert "is the knee" not in words
    assert f'<td class="number">{report.UNKNOWN}</td>' in words


def test_weights_that_are_alike_are_no_cost_to_weigh(tmp_path):
    """And the time is none, which hangs on what else a machine has to do."""
    folder = made(tmp_path / "study", betas=(2.0, 1.0, 4.0), seeds=1, method="simclr")
    alike = "all trials have as many, so that none costs more than another"
    assert alike not in report.page(folder)
    assert "front-title" in report.page(folder)
    for trial in folder.trials:
        folder.record(dataclasses.replace(trial, weights=1000))
    text = report.page(folder)
    assert alike in text
    assert "front-title" not in text
    assert "is the knee" not in text


def rescored(folder, score):
    """The trials of a study with other scores: `score` of the number and the seed."""
    for trial in folder.trials:
        name = folder.study.aim.score
        scores = [
            {**one, name: Score(name, score(trial.number, seed))}
            for seed, one in enumerate(trial.scores)
        ]
        folder.record(dataclasses.replace(trial, scores=scores))


def test_where_all_score_the_same_none_is_best(tmp_path, capsys):
    folder = made(tmp_path / "study", betas=(2.0, 1.0, 4.0))
    rescored(folder, lambda number, seed: 0.0)
    text = report.page(folder)
    assert "All 2 trials that finished score the same mig: none is best." in text
    for words in ("--from-study", " is the knee", "best mig", "front-title"):
        assert words not in text
    say_where(folder, Console())
    said = capsys.readouterr().out
    assert "measured    mig: data d, split" not in said  # rescored without a protocol
    assert "best        none: all 2 that finished come to mig 0\n" in said
    assert "--pick" not in said


def test_a_best_that_seeds_may_have_made_is_called_so(tmp_path):
    folder = made(tmp_path / "study", betas=(2.0, 1.0, 4.0))
    luck = "what is best here may be so by luck"
    assert luck not in report.page(folder)
    rescored(folder, lambda number, seed: 0.1 * seed + 0.001 * number)
    assert luck in report.page(folder)


def test_a_run_that_lost_its_files_is_left_out(tmp_path):
    folder = made(tmp_path / "study", betas=(4.0,), seeds=1)
    (folder.run(0, 0).path / "history.json").unlink()
    (folder.run(0, 0).pictures / "drawn.npz").unlink()
    text = report.page(folder)
    assert "Trial 0 is best." in text
    assert "curves-title" not in text


# The command


def test_a_study_is_reported_on_by_its_name(command, tmp_path):
    folder = made(tmp_path / "study", betas=(4.0,))
    answer = command("report", folder.path)
    assert (answer.code, answer.out.split(": ")[1]) == (0, "1 trial, 0.0 MiB\n")
    assert "Trial 0 is best." in (folder.path / "report.html").read_text()
    assert command("report", folder.path, "--out", tmp_path / "there.html").code == 0
    assert (tmp_path / "there.html").read_bytes() == (folder.path / "report.html").read_bytes()


def test_tensorflow_is_kept_off_the_terminal_while_a_study_is_reported_on(
    command, tmp_path, monkeypatch
):
    events = []

    @contextlib.contextmanager
    def quiet():
        events.append("quiet")
        yield
        events.append("loud")

    monkeypatch.setattr("zoo.cli.report.quiet_tensorflow", quiet)
    monkeypatch.setattr(report, "page", lambda folder: events.append("page") or "")
    assert command("report", made(tmp_path / "study", betas=(4.0,)).path).code == 0
    assert events == ["quiet", "page", "loud"]


def test_a_study_among_others_is_refused(command, tmp_path):
    folder = StudyFolder(tmp_path / "study")
    folder.begin(Study.planned("beta_vae"), {})
    answer = command("report", tmp_path / "run", folder.path)
    refused(answer, 2, "Expected a study alone, which has a page of its own. Received: 2 paths, a")


def test_a_damaged_study_is_refused(command, tmp_path):
    folder = made(tmp_path / "study", betas=(4.0,))
    (folder.path / "trials" / "0000" / "trial.json").write_text("{")
    refused(command("report", folder.path), 2, "trial.json is damaged. Without it the trial is")


# Numbers


def test_a_scale_places_values_between_its_ends():
    assert Scale("beta", 1, 100, log=True).place(10) == pytest.approx(0.5)
    assert Scale("beta", 1, 5).place(2) == 0.25
    assert Scale("loss", 1, 5, direction="min").place(2) == 0.75
    assert Scale("mig", 0, 1, direction="max").place(1) == 1


def test_ticks_are_within_and_apart():
    ticks = Scale("beta", 0.5, 32, log=True).ticks
    assert [text for _, text in ticks] == ["1", "10", "0.5", "32"]
    assert [text for _, text in Scale("x", -1, 1).ticks][-2:] == ["\N{MINUS SIGN}1", "1"]
    between = Scale("width", 0.25, 0.5).ticks
    assert [text for _, text in between] == ["0.3", "0.4", "0.25", "0.5"]
    within = Scale("mig", 0.1, 0.42, direction="max").ticks
    assert [text for _, text in within] == ["0.1", "0.2", "0.3", "0.4"]


def test_what_the_score_hangs_on_is_important():
    rng = np.random.default_rng(0)
    x = rng.random((60, 3))
    found = importance(x, 3 * x[:, 1] + 0.5 * x[:, 2])
    assert found.means.argmax() == 1
    assert found.means[2] > found.means[0]
    assert found.means[0] < 0.1
    assert found.explained > 0.8


def test_nothing_is_important_to_noise():
    rng = np.random.default_rng(0)
    assert importance(rng.random((30, 2)), rng.random(30)).explained < 0.1


def test_importance_does_not_hang_on_scales():
    rng = np.random.default_rng(0)
    x = rng.random((20, 2))
    plain, spread = (importance(v, x[:, 0]) for v in (x, 10 ** (4 * x)))
    np.testing.assert_allclose(plain.means, spread.means, atol=0.2)


@pytest.mark.parametrize(
    ("values", "scores", "said"),
    [
        (np.zeros((5, 1)), np.zeros(5), "Expected trials to be an integer of at least 6"),
        (np.zeros((6, 1)), np.zeros(7), r"Expected values \(N, K\) and scores \(N,\)\. Received"),
    ],
)
def test_too_few_trials_tell_of_no_importance(values, scores, said):
    with pytest.raises(ValueError, match=said):
        importance(values, scores)
