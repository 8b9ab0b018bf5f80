"""Encoders, decoders, discriminators: functions that return built Keras models."""

from zoo.networks.convolutional import gaussian_encoder, image_decoder
from zoo.networks.discriminator import discriminator

__all__ = ["discriminator", "gaussian_encoder", "image_decoder"]
