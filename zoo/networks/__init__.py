"""Encoders, decoders, projectors and other heads: functions that return built Keras models."""

from zoo.networks.classifier import classifier
from zoo.networks.convnet import convnet
from zoo.networks.convolutional import gaussian_encoder, image_decoder
from zoo.networks.discriminator import discriminator
from zoo.networks.encoders import encoder
from zoo.networks.projector import projector
from zoo.networks.resnet18 import resnet18

__all__ = [
    "classifier",
    "convnet",
    "discriminator",
    "encoder",
    "gaussian_encoder",
    "image_decoder",
    "projector",
    "resnet18",
]
