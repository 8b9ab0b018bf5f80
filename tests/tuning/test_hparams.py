"""A study as TensorBoard itself reads it."""

import pytest
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.context import RequestContext
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.hparams import (
    api_pb2,
    backend_context,
    get_experiment,
    list_session_groups,
)

from tests.tuning.test_report import made
from tuning import hparams


@pytest.fixture
def groups():
    """The sessions that TensorBoard finds in a folder, and what it says is varied."""

    def read(path):
        multiplexer = plugin_event_multiplexer.EventMultiplexer().AddRunsFromDirectory(str(path))
        multiplexer.Reload()
        provider = data_provider.MultiplexerDataProvider(multiplexer, str(path))
        context = backend_context.Context(TBContext(data_provider=provider))
        asked = (RequestContext(), context, "")
        experiment = get_experiment.Handler(
            *asked, api_pb2.GetExperimentRequest(experiment_name="")
        ).run()
        columns = [api_pb2.ColParams(hparam=info.name) for info in experiment.hparam_infos]
        columns += [api_pb2.ColParams(metric=info.name) for info in experiment.metric_infos]
        found = list_session_groups.Handler(
            *asked,
            api_pb2.ListSessionGroupsRequest(
                allowed_statuses=[api_pb2.STATUS_SUCCESS, api_pb2.STATUS_FAILURE],
                col_params=columns,
                aggregation_type=api_pb2.AGGREGATION_AVG,
                slice_size=99,
            ),
        ).run()
        return experiment, sorted(found.session_groups, key=lambda group: group.name)

    return read


def test_tensorboard_finds_values_scores_and_failures(tmp_path, groups):
    folder = made(tmp_path / "study", betas=(1.0, 2.0, 4.0), ranges={"latent_size": (2, 8)})
    hparams.begin(folder)
    hparams.write(folder, folder.trials)
    experiment, found = groups(folder.path / "tensorboard")
    [beta, size] = experiment.hparam_infos
    assert (beta.name, beta.domain_interval.min_value, beta.domain_interval.max_value) == (
        "beta",
        0.5,
        32.0,
    )
    assert (size.name, size.domain_interval.max_value) == ("latent_size", 8.0)
    assert [m.name.tag for m in experiment.metric_infos] == ["mig", "reconstruction"]
    assert [group.name for group in found] == ["0000", "0001", "0002"]
    assert [group.hparams["beta"].number_value for group in found] == [1.0, 2.0, 4.0]
    assert [len(group.sessions) for group in found] == [2, 1, 2]
    means = [{m.name.tag: m.value for m in group.metric_values} for group in found]
    assert means[2] == pytest.approx({"mig": 0.405, "reconstruction": 34.0})
    assert not means[1]
    statuses = [group.sessions[0].status for group in found]
    assert statuses == [api_pb2.STATUS_SUCCESS, api_pb2.STATUS_FAILURE, api_pb2.STATUS_SUCCESS]


def test_each_trial_is_written_once(tmp_path):
    folder = made(tmp_path / "study", betas=(1.0,))
    for _ in range(2):
        hparams.begin(folder)
        hparams.write(folder, folder.trials)
        hparams.tidy(folder)
    files = sorted(path for path in folder.path.glob("tensorboard/**/*") if path.is_file())
    assert [path.parent.relative_to(folder.path).as_posix() for path in files] == [
        "tensorboard/0000/seed-0",
        "tensorboard/0000/seed-1",
        "tensorboard/study",
    ]


def test_what_was_half_written_is_removed(tmp_path):
    folder = made(tmp_path / "study", betas=(1.0,))
    (folder.path / "tensorboard" / ".zoo-x.partial" / "partial").mkdir(parents=True)
    hparams.tidy(folder)
    assert not [*folder.path.glob("tensorboard/*")]


def test_a_writer_is_closed_whatever_happens(tmp_path, monkeypatch):
    writers, begin = [], hparams.tf.summary.create_file_writer

    def begun(path):
        writers.append(begin(path))
        return writers[-1]

    monkeypatch.setattr(hparams.tf.summary, "create_file_writer", begun)
    monkeypatch.setattr(hparams.hp, "hparams", lambda *_, **__: 1 / 0)
    folder = made(tmp_path / "study", betas=(1.0,))
    with pytest.raises(ZeroDivisionError):
        hparams.write(folder, folder.trials)
    assert [writer._closed for writer in writers] == [True]
    assert not [*folder.path.glob("tensorboard/*")]
