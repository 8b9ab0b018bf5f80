"""Keras layers that the zoo's networks are made of, each saved under a registered name."""

from zoo.layers.batch_normalization import BatchNormalization
from zoo.layers.split_batch_normalization import SplitBatchNormalization

__all__ = ["BatchNormalization", "SplitBatchNormalization"]
