"""Tiny methods with the parts that contrastive methods have, sound ones and faulty ones.

Each fault was seen in another project. The sound methods keep the contract; each faulty one must
break it (`test_contract.py`).
"""

import random

import keras
from keras import ops

from tests import parts
from zoo.method import Method


def unit(x, axis=1):
    return x / ops.maximum(ops.norm(x, axis=axis, keepdims=True), 1e-12)


class TinyMoCo(Method):
    """Momentum contrast in its smallest form: teacher, projector, queue."""

    terms = ("similarity",)

    def __init__(self, encoder, projector, queue_size=12, decay=0.5, **kwargs):
        super().__init__(encoder, **kwargs)
        self.projector = projector
        self.queue_size, self.decay = queue_size, decay
        self.teacher = self.twin()
        width = projector.output_shape[-1]
        self.queue = self.add_weight(
            shape=(queue_size, width),
            initializer=lambda shape, dtype: unit(keras.random.normal(shape, seed=7)),
            trainable=False,
            name="queue",
        )
        self.pointer = self.add_weight(
            shape=(), dtype="int64", initializer="zeros", trainable=False, name="pointer"
        )

    def twin(self):
        config = keras.saving.serialize_keras_object(self.encoder)
        twin = keras.saving.deserialize_keras_object(config)
        twin.set_weights(self.encoder.get_weights())
        for variable in twin.trainable_variables:
            variable.trainable = False
        return twin

    def forward(self, batch, training):
        a, b = (self.prepare(view) for view in batch)
        q = unit(ops.cast(self.projector(self.encoder(a, training=training)), "float32"))
        k = self.teacher(b, training=training)
        k = ops.stop_gradient(unit(ops.cast(k, "float32")))
        return {"q": q, "k": k, "queue": ops.convert_to_tensor(self.queue)}

    def objective(self, q, k, queue):
        positive = ops.sum(q * k, axis=1, keepdims=True)
        logits = ops.concatenate([positive, q @ ops.transpose(queue)], axis=1)
        loss = ops.mean(ops.logsumexp(logits, axis=1) - logits[:, 0])
        return {"loss": loss, "similarity": ops.mean(positive)}

    def after_update(self, k):
        self.trail()
        self.enqueue(k)

    def trail(self):
        for old, new in zip(self.teacher.weights, self.encoder.weights, strict=True):
            old.assign(self.decay * old + (1 - self.decay) * new)

    def enqueue(self, k):
        n = ops.shape(k)[0]
        rows = ops.mod(self.pointer + ops.arange(n, dtype="int64"), self.queue_size)
        self.queue.assign(ops.scatter_update(self.queue, rows[:, None], k))
        self.pointer.assign(ops.mod(self.pointer + n, self.queue_size))


class TinyCritic(TinyMoCo):
    """And a critic that the loss does not train: it learns in `after_update`."""

    def __init__(self, encoder, projector, queue_size=12, decay=0.5, **kwargs):
        super().__init__(encoder, projector, queue_size, decay, **kwargs)
        self.critic = parts.projector(projector.output_shape[-1], seed=9)

    @property
    def learned(self):
        return [*self.encoder.trainable_variables, *self.projector.trainable_variables]

    def after_update(self, k):
        super().after_update(k)
        for weight in self.critic.trainable_variables:
            weight.assign(0.9 * weight + 0.01)


class TeacherLeftTrainable(TinyMoCo):
    def twin(self):
        twin = super().twin()
        twin.trainable = True
        for variable in twin.weights:
            variable.trainable = True
        return twin


class MovingAverageInObjective(TinyMoCo):
    def objective(self, q, k, queue):
        self.trail()
        return super().objective(q, k, queue)

    def after_update(self, k):
        self.enqueue(k)


class QueueNormalisedOnWrongAxis(TinyMoCo):
    def enqueue(self, k):
        super().enqueue(unit(k, axis=0))


class BatchSizeAsConstant(TinyMoCo):
    def objective(self, q, k, queue):
        logits = q @ ops.transpose(k)
        labels = ops.one_hot(ops.arange(6), 6)
        loss = -ops.mean(ops.sum(labels * ops.log_softmax(logits), axis=1))
        return {"loss": loss, "similarity": ops.mean(logits)}


class BatchSizeAsDivisor(TinyMoCo):
    def objective(self, q, k, queue):
        similarity = ops.reshape(ops.sum(q * k, axis=1), (6,))
        return {"loss": -ops.sum(similarity) / 6, "similarity": ops.mean(similarity)}


class PythonRandom(TinyMoCo):
    def forward(self, batch, training):
        outputs = super().forward(batch, training)
        return {**outputs, "q": outputs["q"] * (0.5 + random.random())}


class ProjectorLeftOut(TinyMoCo):
    @property
    def learned(self):
        return self.encoder.trainable_variables


class SameViewTwice(TinyMoCo):
    def forward(self, batch, training):
        a, _ = batch
        return super().forward((a, a), training)


class CloneWithoutWeights(TinyMoCo):
    def twin(self):
        twin = keras.models.clone_model(self.encoder)
        for variable in twin.trainable_variables:
            variable.trainable = False
        return twin


class OptimizerOnSubset(TinyCritic):
    """Built on every trainable weight when compiled, on a subset of them when reloaded."""

    def compile(self, optimizer="adam", **kwargs):
        optimizer = keras.optimizers.get(optimizer)
        optimizer.build(self.trainable_variables)
        super().compile(optimizer, **kwargs)

    def compile_from_config(self, config):
        Method.compile(self, **keras.saving.deserialize_keras_object(config))
