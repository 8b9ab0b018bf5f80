"""The contract holds for sound methods and turns red for each of nine faults seen elsewhere."""

import pytest
import tensorflow as tf

from tests import faults, parts
from tests.contract import MethodContract


class ViewsContract(MethodContract):
    cls = faults.TinyMoCo
    in_registry = False

    def make(self):
        encoder = parts.encoder()
        encoder.set_weights([0.9 * w + 0.01 for w in encoder.get_weights()])  # as if trained before
        return self.cls(encoder, parts.projector())

    def batch(self, n=6, seed=0):
        return parts.images(n, 2 * seed), parts.images(n, 2 * seed + 1)


class TestTinyMoCo(ViewsContract):
    """A sound method with teacher, projector and queue."""


class TestTinyCritic(ViewsContract):
    """A sound method with a part that the loss does not train."""

    cls = faults.TinyCritic


FAULTS = {
    faults.TeacherLeftTrainable: "test_after_update_leaves_learned_weights_to_the_gradient",
    faults.MovingAverageInObjective: "test_the_objective_changes_no_weight",
    faults.QueueNormalisedOnWrongAxis: "test_queues_hold_unit_vectors",
    faults.BatchSizeAsConstant: "test_a_short_last_batch_is_taken",
    faults.BatchSizeAsDivisor: "test_a_short_last_batch_is_taken",
    faults.PythonRandom: "test_eager_equals_graph",
    faults.ProjectorLeftOut: "test_training_moves_every_trainable_weight",
    faults.SameViewTwice: "test_each_input_changes_the_loss",
    faults.CloneWithoutWeights: "test_frozen_twins_start_as_their_students",
    faults.OptimizerOnSubset: "test_save_load_and_continue",
}


@pytest.mark.filterwarnings("ignore:Skipping variable loading for optimizer:UserWarning")
@pytest.mark.filterwarnings("ignore:Gradients do not exist for variables:UserWarning")
@pytest.mark.parametrize(
    ("fault", "check"), FAULTS.items(), ids=lambda x: getattr(x, "__name__", x)
)
def test_each_fault_turns_its_check_red(fault, check, tmp_path):
    contract = ViewsContract()
    contract.cls = fault
    arguments = {"tmp_path": tmp_path} if check == "test_save_load_and_continue" else {}
    with pytest.raises((AssertionError, ValueError, tf.errors.InvalidArgumentError)):
        getattr(contract, check)(**arguments)


@pytest.mark.parametrize("check", sorted(set(FAULTS.values())))
def test_the_sound_method_passes_the_same_checks(check, tmp_path):
    arguments = {"tmp_path": tmp_path} if check == "test_save_load_and_continue" else {}
    getattr(ViewsContract(), check)(**arguments)
