"""Training steps of b-VAE and FactorVAE: this zoo's against PyTorch's, side by side.

    pip install 'repzoo[benchmark]'
    python tests/benchmarks/step_speed.py
    python tests/benchmarks/step_speed.py --method factor_vae

Batch 64, 64x64x1, the literature's networks and algorithms, Adam (two of them for FactorVAE); eager
PyTorch on as many threads as cores, with its default Adam or, by `--fused`, its fused one. Both
sides go about FactorVAE alike: one pass of the discriminator over the 64 codes and the 32 permuted
ones serves both losses, each loss is differentiated for its own weights alone, and all gradients
are of the weights from before the step. Both return the loss; PyTorch's FactorVAE also the
discriminator's accuracy, which the zoo computes in its step.
Rounds alternate between the two, so that both meet the same load of the machine; quoted are the
medians of the rounds and the median of the paired ratios, of the time that passed and of the
processor time of all threads, which other programs' load moves less. Beside them: the machine's
own peak, measured by a matrix product, and the share of it that the step's multiplications reach.
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

BATCH, SIDE, LATENTS, BETA, GAMMA = 64, 64, 10, 4.0, 10.0
BAR = 1.4  # times as fast as PyTorch
FUSED = False  # whether PyTorch's Adam is the one of a kernel a weight; see --fused


class TorchVAE(nn.Module):
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

    def forward(self, images):
        """Reconstruction, KL and z."""
        mean, logvar = self.encoder(images).chunk(2, dim=1)
        z = mean + torch.exp(logvar / 2) * torch.randn_like(mean)
        reconstruction = nn.functional.binary_cross_entropy_with_logits(
            self.decoder(z), images, reduction="sum"
        )
        kl = 0.5 * (mean.square() + logvar.exp() - logvar - 1).sum()
        return reconstruction / len(images), kl / len(images), z


def torch_discriminator():
    hidden, width = [], LATENTS
    for _ in range(6):
        hidden += [nn.Linear(width, 1000), nn.LeakyReLU(0.2)]
        width = 1000
    return nn.Sequential(*hidden, nn.Linear(width, 2))


def torch_adam(module, **settings):
    return torch.optim.Adam(module.parameters(), 1e-4, fused=FUSED or None, **settings)


def torch_beta_vae():
    vae = TorchVAE()
    optimizer = torch_adam(vae)

    def step(batch):
        optimizer.zero_grad(set_to_none=True)
        reconstruction, kl, _ = vae(batch)
        loss = reconstruction + BETA * kl
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def torch_factor_vae():
    vae, discriminator = TorchVAE(), torch_discriminator()
    optimizer = torch_adam(vae)
    own_optimizer = torch_adam(discriminator, betas=(0.5, 0.9))

    def step(batch):
        reconstruction, kl, z = vae(batch)
        n, half = len(z), len(z) // 2
        rest = z[half:].detach()
        permuted = rest.gather(0, torch.rand_like(rest).argsort(dim=0))
        answers = discriminator(torch.cat([z, permuted]))  # one pass for both losses
        loss = reconstruction + kl + GAMMA * (answers[:n, 0] - answers[:n, 1]).mean()
        told = torch.cat([answers[:half], answers[n:]])
        labels = torch.arange(len(told)) // half
        own_loss = nn.functional.cross_entropy(told, labels)
        optimizer.zero_grad(set_to_none=True)
        own_optimizer.zero_grad(set_to_none=True)
        # Each loss for its own weights alone, and both before either moves.
        own_loss.backward(inputs=[*discriminator.parameters()], retain_graph=True)
        loss.backward(inputs=[*vae.parameters()])
        optimizer.step()
        own_optimizer.step()
        accuracy = (told.argmax(dim=1) == labels).float().mean()
        return loss.item(), accuracy.item()

    return step


def zoo_beta_vae():
    return zoo.BetaVAE.for_images((SIDE, SIDE, 1), latent_size=LATENTS, beta=BETA)


def zoo_factor_vae():
    return zoo.FactorVAE.for_images((SIDE, SIDE, 1), latent_size=LATENTS, gamma=GAMMA)


STEPS = {
    "beta_vae": (zoo_beta_vae, torch_beta_vae),
    "factor_vae": (zoo_factor_vae, torch_factor_vae),
}


def torch_step(make, images):
    step = make()
    images = torch.from_numpy(images).permute(0, 3, 1, 2)
    return lambda: step(images.float() / 255)


def zoo_step(method, batch):
    """A training step of a method on one batch; gives the loss."""
    method.compile(keras.optimizers.Adam(1e-4))
    method.make_train_function()
    iterator = iter(tf.data.Dataset.from_tensors(batch).repeat())

    def step():
        return float(method.train_function(iterator)["loss"])

    return step


def milliseconds(step, steps):
    """Of a step: the time that passes, and the processor's."""
    began = time.perf_counter(), time.process_time()
    for _ in range(steps):
        step()
    passed = time.perf_counter() - began[0], time.process_time() - began[1]
    return tuple(1000 * seconds / steps for seconds in passed)


def compare(title, ours, theirs, rounds, steps, bar):
    """Prints the medians of both steps; the median of ours and of the paired ratios."""
    for step in (ours, theirs):
        milliseconds(step, 5)  # warm up
    times = [(*milliseconds(ours, steps), *milliseconds(theirs, steps)) for _ in range(rounds)]
    zoo_ms, zoo_cpu, torch_ms, torch_cpu = map(statistics.median, zip(*times, strict=True))
    ratio = statistics.median(b / a for a, _, b, _ in times)
    of_cpu = statistics.median(b / a for _, a, _, b in times)
    print(f"{title}, {torch.get_num_threads()} threads, {rounds} rounds")
    best = min(a for a, *_ in times), min(b for _, _, b, _ in times)
    print(f"zoo      {zoo_ms:6.1f} ms   ({best[0]:.1f} at best; {zoo_cpu:.1f} of the processor)")
    print(
        f"PyTorch  {torch_ms:6.1f} ms   ({best[1]:.1f} at best; {torch_cpu:.1f} of the processor)"
    )
    print(f"ratio    {ratio:6.2f}      (median of paired rounds; the bar is {bar})")
    print(f"         {of_cpu:6.2f}      of processor time")
    return zoo_ms, ratio


def flops(method):
    """Multiplications and additions of one step."""
    forward, side, channels = 0, SIDE, 1
    for filters in (32, 32, 64, 64):
        side //= 2
        layer = 2 * side * side * filters * channels * 16
        forward += 2 * layer  # the decoder's layers mirror the encoder's
        channels = filters
    forward += 2 * 2 * (1024 * 256) + 2 * 256 * 3 * LATENTS
    vae = 3 * forward  # backwards it takes twice as many
    discriminator = 2 * (LATENTS * 1000 + 5 * 1000 * 1000 + 1000 * 2)
    # Of the discriminator 96 rows forwards and thrice backwards: twice for its weights, once for z.
    return BATCH * (vae + (6 * discriminator if method == "factor_vae" else 0))


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


def measure(method, rounds, steps):
    """Prints the medians of one method; the median of its paired ratios."""
    images = np.random.default_rng(0).integers(0, 2, (BATCH, SIDE, SIDE, 1), "uint8") * 255
    zoo_method, torch_method = STEPS[method]
    ours, theirs = zoo_step(zoo_method(), images), torch_step(torch_method, images)
    title = f"{method} step, batch {BATCH}, {SIDE}x{SIDE}x1"
    zoo_ms, ratio = compare(title, ours, theirs, rounds, steps, BAR)
    peak = peak_gflops()
    share = 100 * flops(method) / zoo_ms / 1e6 / peak
    print(f"peak     {peak:6.0f} GFLOP/s by matrix product; the step reaches {share:.0f} % of it")
    return ratio


def main():
    """Measures, prints, and returns 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--method", choices=STEPS, action="append", help="default: both")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--steps", type=int, default=20, help="in a round")
    parser.add_argument("--fused", action="store_true", help="PyTorch's fused Adam")
    arguments = parser.parse_args()
    global FUSED
    FUSED = arguments.fused
    torch.set_num_threads(os.cpu_count() or 1)
    methods = arguments.method or STEPS
    ratios = [measure(method, arguments.rounds, arguments.steps) for method in methods]
    return 0 if min(ratios) >= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
