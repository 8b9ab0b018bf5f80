"""A twin starts as its student, is moved by no gradient, and trails."""

import keras
import numpy as np

from zoo.teacher import trail, twin


def network():
    inputs = keras.Input((4,))
    x = keras.layers.BatchNormalization(momentum=0.5)(keras.layers.Dense(3)(inputs))
    return keras.Model(inputs, x)


def test_it_starts_as_its_student_and_does_not_learn():
    student = network()
    teacher = twin(student)
    for a, b in zip(teacher.get_weights(), student.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not teacher.trainable_variables
    assert len(student.trainable_variables) == 4


def test_it_trails_what_is_learned_and_keeps_its_own_statistics():
    student = network()
    teacher = twin(student)
    x = np.random.default_rng(0).normal(3, 2, (8, 4)).astype("float32")
    student(x, training=True)  # moves the student's statistics
    for weight in student.trainable_variables:
        weight.assign(weight + 1)
    old = [v.numpy().copy() for v in teacher.weights]
    trail(teacher, student, 0.75)
    for v, before, new in zip(teacher.weights, old, student.weights, strict=True):
        expected = 0.75 * before + 0.25 * new.numpy() if new.trainable else before
        np.testing.assert_allclose(v.numpy(), expected, atol=1e-6)
    teacher(x, training=True)
    assert not np.array_equal(teacher.layers[-1].moving_mean, old[-2])
