"""b-VAE training steps: this zoo's against the same network and step in PyTorch, side by side.

    pip install 'repzoo[benchmark]'
    python tests/benchmarks/step_speed.py

Batch 64, 64x64x1, the literature's network, Adam; eager PyTorch on as many threads as cores.
Rounds alternate between the two, so that both meet the same load of the machine; quoted are the
medians of the rounds and the median of the paired ratios. Beside them: the machine's own peak,
measured by a matrix product, and the share of it that the step's multiplications reach.
"""

import argparse
import os
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
import torch
from torch import nn

import zoo

BATCH, SIDE, LATENTS, BETA = 64, 64, 10, 4.0
BAR = 1.4  # times as fast as PyTorch


class TorchBetaVAE(nn.Module):
    def __init__(self):
        super().__init__()

        def conv(c, d):
            return [nn.Conv2d(c, d, 4, 2, 1), nn.ReLU()]

        def deconv(c, d):
            return [nn.ConvTranspose2d(c, d, 4, 2, 1), nn.ReLU()]

        self.encoder = nn.Sequential(
            *conv(1, 32), *conv(32, 32), *conv(32, 64), *conv(64, 64),
            nn.Flatten(), nn.Linear(1024, 256), nn.ReLU(), nn.Linear(256, 2 * LATENTS),
        )  # fmt: skip
        self.decoder = nn.Sequential(
            nn.Linear(LATENTS, 256), nn.ReLU(), nn.Linear(256, 1024), nn.ReLU(),
            nn.Unflatten(1, (64, 4, 4)),
            *deconv(64, 64), *deconv(64, 32), *deconv(32, 32), nn.ConvTranspose2d(32, 1, 4, 2, 1),
        )  # fmt: skip

    def loss(self, images):
        mean, logvar = self.encoder(images).chunk(2, dim=1)
        z = mean + torch.exp(logvar / 2) * torch.randn_like(mean)
        decoded = self.decoder(z)
        reconstruction = nn.functional.binary_cross_entropy_with_logits(
            decoded, images, reduction="sum"
        )
        kl = 0.5 * (mean.square() + logvar.exp() - logvar - 1).sum()
        return (reconstruction + BETA * kl) / len(images)


def torch_step(images):
    model = TorchBetaVAE()
    optimizer = torch.optim.Adam(model.parameters(), 1e-4)
    images = torch.from_numpy(images).permute(0, 3, 1, 2)

    def step():
        batch = images.float() / 255
        optimizer.zero_grad(set_to_none=True)
        loss = model.loss(batch)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def zoo_step(images):
    method = zoo.BetaVAE.for_images((SIDE, SIDE, 1), latent_size=LATENTS, beta=BETA)
    method.compile(keras.optimizers.Adam(1e-4))
    method.make_train_function()
    iterator = iter(tf.data.Dataset.from_tensors(images).repeat())

    def step():
        return float(method.train_function(iterator)["loss"])

    return step


def milliseconds(step, steps):
    began = time.perf_counter()
    for _ in range(steps):
        step()
    return 1000 * (time.perf_counter() - began) / steps


def flops():
    """Multiplications and additions of one step: three times those of the forward pass."""
    forward, side, channels = 0, SIDE, 1
    for filters in (32, 32, 64, 64):
        side //= 2
        layer = 2 * side * side * filters * channels * 16
        forward += 2 * layer  # the decoder's layers mirror the encoder's
        channels = filters
    forward += 2 * 2 * (1024 * 256) + 2 * 256 * 3 * LATENTS
    return 3 * BATCH * forward


def peak_gflops():
    a = tf.random.stateless_normal((2048, 2048), (0, 0))
    product = tf.function(lambda: a @ a)
    product()
    times = []
    for _ in range(5):
        began = time.perf_counter()
        product().numpy()
        times.append(time.perf_counter() - began)
    return 2 * 2048**3 / min(times) / 1e9


def main():
    """Measures, prints, and returns 1 where the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--steps", type=int, default=20, help="in a round")
    arguments = parser.parse_args()
    threads = os.cpu_count() or 1
    torch.set_num_threads(threads)
    images = np.random.default_rng(0).integers(0, 2, (BATCH, SIDE, SIDE, 1), "uint8") * 255
    ours, theirs = zoo_step(images), torch_step(images)
    for step in (ours, theirs):
        milliseconds(step, 5)  # warm up
    rounds = [
        (milliseconds(ours, arguments.steps), milliseconds(theirs, arguments.steps))
        for _ in range(arguments.rounds)
    ]
    zoo_ms = statistics.median(a for a, _ in rounds)
    torch_ms = statistics.median(b for _, b in rounds)
    ratio = statistics.median(b / a for a, b in rounds)
    peak = peak_gflops()
    reached = flops() / zoo_ms / 1e6
    print(f"b-VAE step, batch {BATCH}, {SIDE}x{SIDE}x1, {threads} threads, {len(rounds)} rounds")
    print(f"zoo      {zoo_ms:6.1f} ms   ({min(r[0] for r in rounds):.1f} at best)")
    print(f"PyTorch  {torch_ms:6.1f} ms   ({min(r[1] for r in rounds):.1f} at best)")
    print(f"ratio    {ratio:6.2f}      (median of paired rounds; the bar is {BAR})")
    share = 100 * reached / peak
    print(f"peak     {peak:6.0f} GFLOP/s by matrix product; the step reaches {share:.0f} % of it")
    return 0 if ratio >= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
