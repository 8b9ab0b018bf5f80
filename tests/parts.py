"""Tiny built networks for tests: 8x8 images, a handful of units."""

import itertools

import keras
import numpy as np
from keras import layers

IMAGE_SHAPE = (8, 8, 1)
LATENTS = 3


def glorots(seed):
    return (keras.initializers.GlorotUniform(seed=100 * seed + i) for i in itertools.count())


def gaussian_encoder(image_shape=IMAGE_SHAPE, latents=LATENTS, seed=1):
    glorot = glorots(seed)
    images = layers.Input(image_shape)
    x = layers.Flatten()(images)
    x = layers.Dense(5, activation="tanh", kernel_initializer=next(glorot))(x)
    heads = [layers.Dense(latents, kernel_initializer=next(glorot))(x) for _ in range(2)]
    return keras.Model(images, heads)


def decoder(image_shape=IMAGE_SHAPE, latents=LATENTS, seed=2):
    glorot = glorots(seed)
    codes = layers.Input((latents,))
    x = layers.Dense(5, activation="tanh", kernel_initializer=next(glorot))(codes)
    x = layers.Dense(int(np.prod(image_shape)), kernel_initializer=next(glorot))(x)
    return keras.Model(codes, layers.Reshape(image_shape)(x))


def encoder(image_shape=IMAGE_SHAPE, units=LATENTS, seed=3):
    images = layers.Input(image_shape)
    x = layers.Flatten()(images)
    x = layers.Dense(units, activation="tanh", kernel_initializer=next(glorots(seed)))(x)
    return keras.Model(images, x)


def projector(units=LATENTS, seed=4, use_bias=True):
    codes = layers.Input((units,))
    dense = layers.Dense(units, use_bias=use_bias, kernel_initializer=next(glorots(seed)))
    return keras.Model(codes, dense(codes))


def discriminator(latents=LATENTS, seed=5):
    glorot = glorots(seed)
    codes = layers.Input((latents,))
    x = layers.Dense(5, activation="tanh", kernel_initializer=next(glorot))(codes)
    return keras.Model(codes, layers.Dense(2, kernel_initializer=next(glorot))(x))


def images(n=6, seed=0, image_shape=IMAGE_SHAPE):
    return np.random.default_rng(seed).integers(0, 256, (n, *image_shape), "uint8")


def classifier(units=LATENTS, classes=4, seed=6):
    codes = layers.Input((units,))
    dense = layers.Dense(classes, kernel_initializer=next(glorots(seed)))
    return keras.Model(codes, dense(codes))


def partial_batch(n=6, seed=0, classes=4, of=20):
    """Two views of n images out of 20, with the candidates that each of the 20 has."""
    index = (7 * seed + np.arange(n)) % of
    candidates = np.random.default_rng(0).random((of, classes)) < 0.4
    candidates[np.arange(of), np.arange(of) % classes] = True
    return {
        "weak": images(n, 2 * seed),
        "strong": images(n, 2 * seed + 1),
        "index": index,
        "candidates": candidates[index].astype("float32"),
    }
