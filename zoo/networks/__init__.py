"""Encoders and decoders: functions that return built Keras models."""

from zoo.networks.convolutional import gaussian_encoder, image_decoder

__all__ = ["gaussian_encoder", "image_decoder"]
