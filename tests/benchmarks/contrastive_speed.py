"""Training steps of MoCo, SimCLR and Barlow Twins: this zoo's against PyTorch's, side by side.

    pip install 'repzoo[benchmark]'
    python tests/benchmarks/contrastive_speed.py
    python tests/benchmarks/contrastive_speed.py --growth
    python tests/benchmarks/contrastive_speed.py --normalization

Batch 256, 32x32x3, the small convnet (3x3 convolutions of 32, 64, 128, 256, strides 2, 2, 2, 1,
batch normalisation), Adam; MoCo with a queue of 65,536 keys of 128 numbers, SimCLR with a
projector of 512 and 128, Barlow Twins with one of three times 2,048. Views are given: neither side
makes any. PyTorch is eager, on as many threads as cores, its algorithms those of the papers' code:
MoCo shuffles the images before their keys are encoded, as the zoo does, and copies its queue. The
zoo logs its terms besides. How times are taken: see step_speed.py.

By `--growth`: MoCo's step over the size of the queue, which is to cost no more than linearly more,
and over the number of images in the data set, which is to change nothing. By `--normalization`:
SimCLR's step with Keras's batch normalisation, the zoo's, the zoo's in groups, and none.
"""

import argparse
import copy
import os
import statistics
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import torch
from step_speed import compare, milliseconds, zoo_step
from torch import nn
from torch.nn import functional

import zoo
from zoo.data.pixels import ArrayPixels
from zoo.networks import normalization

BATCH, SHAPE = 256, (32, 32, 3)
QUEUE, KEY, DECAY, TEMPERATURE = 65536, 128, 0.999, 0.07
HEADS = {"moco": (KEY,), "simclr": (512, 128), "barlow_twins": (2048, 2048, 2048)}
BAR = 1.2  # times as fast as PyTorch, for MoCo
QUEUES = (1024, 4096, 16384, 65536, 131072)
IMAGES = (1024, 8192, 65536)


def torch_encoder(method):
    """The small convnet and a method's projector."""
    layers, channels = [], SHAPE[-1]
    for filters, stride in zip((32, 64, 128, 256), (2, 2, 2, 1), strict=True):
        layers += [
            nn.Conv2d(channels, filters, 3, stride, 1, bias=False),
            nn.BatchNorm2d(filters),
            nn.ReLU(),
        ]
        channels = filters
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    *hidden, last = HEADS[method]
    for units in hidden:
        norm = nn.BatchNorm1d(units)
        layers += [nn.Linear(channels, units, bias=False), norm, nn.ReLU()]
        channels = units
    return nn.Sequential(*layers, nn.Linear(channels, last, bias=method != "barlow_twins"))


def torch_moco():
    encoder = torch_encoder("moco")
    twin = copy.deepcopy(encoder).requires_grad_(False)
    queue = functional.normalize(torch.randn(KEY, QUEUE), dim=0)
    pointer = 0

    def loss(a, b):
        nonlocal pointer
        q = functional.normalize(encoder(a), dim=1)
        with torch.no_grad():
            for old, new in zip(twin.parameters(), encoder.parameters(), strict=True):
                old.mul_(DECAY).add_(new, alpha=1 - DECAY)
            order = torch.randperm(len(b))
            k = functional.normalize(twin(b[order]), dim=1)[torch.argsort(order)]
        own = torch.einsum("nc,nc->n", q, k)[:, None]
        others = torch.einsum("nc,ck->nk", q, queue.clone())
        logits = torch.cat([own, others], dim=1) / TEMPERATURE
        value = functional.cross_entropy(logits, torch.zeros(len(q), dtype=torch.long))
        queue[:, pointer : pointer + len(k)] = k.T
        pointer = (pointer + len(k)) % QUEUE
        return value

    return encoder, loss


def torch_simclr():
    encoder = torch_encoder("simclr")

    def loss(a, b):
        z = functional.normalize(torch.cat([encoder(a), encoder(b)]), dim=1)
        n = len(z)
        logits = (z @ z.T / 0.5).masked_fill_(torch.eye(n, dtype=torch.bool), -1e9)
        return functional.cross_entropy(logits, torch.arange(n).roll(n // 2))

    return encoder, loss


def torch_barlow_twins():
    encoder = torch_encoder("barlow_twins")
    norm = nn.BatchNorm1d(HEADS["barlow_twins"][-1], affine=False)

    def loss(a, b):
        za, zb = norm(encoder(a)), norm(encoder(b))
        c = za.T @ zb / len(za)
        own = torch.diagonal(c)
        invariance = (own - 1).square().sum()
        return invariance + 0.0051 * (c.square().sum() - own.square().sum())

    return encoder, loss


TORCH = {"moco": torch_moco, "simclr": torch_simclr, "barlow_twins": torch_barlow_twins}


def torch_step(method, batch, fused, channels_last):
    """A training step of PyTorch's method on one batch; gives the loss."""
    encoder, loss = TORCH[method]()
    optimizer = torch.optim.Adam(encoder.parameters(), 1e-4, fused=fused or None)
    form = torch.channels_last if channels_last else torch.contiguous_format
    encoder.to(memory_format=form)
    views = [torch.from_numpy(view).permute(0, 3, 1, 2).contiguous() for view in batch]

    def step():
        a, b = ((view.float() / 255).contiguous(memory_format=form) for view in views)
        optimizer.zero_grad(set_to_none=True)
        value = loss(a, b)
        value.backward()
        optimizer.step()
        return value.item()

    return step


def zoo_method(method, **hyperparameters):
    """This zoo's method, as large as PyTorch's."""
    if method == "moco":
        sizes = {"queue_size": QUEUE, "decay": DECAY, "temperature": TEMPERATURE}
        hyperparameters = {**sizes, **hyperparameters}
    cls = zoo.methods()[method]
    return cls.for_images(
        SHAPE, network="convnet", projection_sizes=HEADS[method], **hyperparameters
    )


def views(images=BATCH):
    """Two random views of each of some images, uint8."""
    random = np.random.default_rng(0)
    return tuple(random.integers(0, 256, (images, *SHAPE), "uint8") for _ in range(2))


def measure(method, rounds, steps, channels_last):
    """Prints one method's steps beside PyTorch's; the lower of the ratios to both its Adams."""
    ours = zoo_step(zoo_method(method), views())
    ratios = []
    for fused in (False, True):
        theirs = torch_step(method, views(), fused, channels_last)
        queue = f", queue {QUEUE:,}" if method == "moco" else ""
        adam = "its fused Adam" if fused else "its default Adam"
        title = f"{method} step, batch {BATCH}, 32x32x3{queue}, PyTorch by {adam}"
        bar = BAR if method == "moco" else "none"
        ratios.append(compare(title, ours, theirs, rounds, steps, bar)[1])
    return min(ratios)


def streamed(images):
    """MoCo's step on batches of a data set of so many images, views and all."""
    method = zoo_method("moco", queue_size=4096)
    method.compile(keras.optimizers.Adam(1e-4))
    method.make_train_function()
    data = zoo.data.Images("noise", ArrayPixels(views(images)[0]))
    iterator = iter(method.batches(data, BATCH))
    return lambda: float(method.train_function(iterator)["loss"])


def interleaved(steps, rounds, count):
    """The median milliseconds of each step, that pass and of the processor, over the rounds."""
    for step in steps:
        milliseconds(step, 5)
    times = [[milliseconds(step, count) for step in steps] for _ in range(rounds)]
    return [
        tuple(map(statistics.median, zip(*column, strict=True)))
        for column in zip(*times, strict=True)
    ]


def growth(rounds, steps):
    """Prints MoCo's step over queue and data; whether it grows as it should."""
    batch = views()
    made = [zoo_step(zoo_method("moco", queue_size=queue), batch) for queue in QUEUES]
    by_queue = interleaved(made, rounds, steps)
    print(f"moco step over the queue, batch {BATCH}, 32x32x3")
    for queue, (passed, cpu) in zip(QUEUES, by_queue, strict=True):
        print(f"{queue:9,} keys   {passed:6.1f} ms   ({cpu:.1f} of the processor)")
    by_images = interleaved([streamed(images) for images in IMAGES], rounds, steps)
    print("moco step over the data set, views and all, queue 4,096")
    for images, (passed, cpu) in zip(IMAGES, by_images, strict=True):
        print(f"{images:9,} images {passed:6.1f} ms   ({cpu:.1f} of the processor)")
    # Linear from the first two: a + b K. More than a tenth above that would be more than linear.
    times = [cpu for _, cpu in by_queue]
    slope = (times[-2] - times[0]) / (QUEUES[-2] - QUEUES[0])
    linear = times[-1] <= 1.1 * (times[-2] + slope * (QUEUES[-1] - QUEUES[-2]))
    constant = max(cpu for _, cpu in by_images) <= 1.1 * min(cpu for _, cpu in by_images)
    print(f"no more than linear in the queue: {linear}; the same for any data set: {constant}")
    return linear and constant


def normalizations(rounds, steps):
    """Prints SimCLR's step by kind of normalisation; whether the zoo's costs less than Keras's."""
    kinds = normalization.BATCH_NORMALIZATIONS
    made, batch = {}, views()
    ours, kinds["batch"] = kinds["batch"], keras.layers.BatchNormalization
    made["Keras's"] = zoo_step(zoo_method("simclr"), batch)
    kinds["batch"] = ours
    for name, kind in (("the zoo's", "batch"), ("in groups", "split"), ("none", None)):
        made[name] = zoo_step(zoo_method("simclr", normalization=kind), batch)
    times = interleaved([*made.values()], rounds, steps)
    print(f"simclr step by batch normalisation, batch {BATCH}, 32x32x3")
    for name, (passed, cpu) in zip(made, times, strict=True):
        pairs = 1000 * BATCH / passed
        print(f"{name:9}  {passed:6.1f} ms   {pairs:5.0f} pairs/s   ({cpu:.1f} of the processor)")
    return times[1][1] <= times[0][1]


def main():
    """Measures, prints, and returns 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--method", choices=TORCH, action="append", help="default: all")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--steps", type=int, default=10, help="in a round")
    parser.add_argument("--channels-last", action="store_true", help="PyTorch's memory format")
    parser.add_argument("--growth", action="store_true", help="MoCo over its queue and data")
    parser.add_argument("--normalization", action="store_true", help="SimCLR over its kinds")
    arguments = parser.parse_args()
    torch.set_num_threads(os.cpu_count() or 1)
    if arguments.growth:
        return 0 if growth(arguments.rounds, arguments.steps) else 1
    if arguments.normalization:
        return 0 if normalizations(arguments.rounds, arguments.steps) else 1
    ratios = {
        method: measure(method, arguments.rounds, arguments.steps, arguments.channels_last)
        for method in arguments.method or TORCH
    }
    return 0 if ratios.get("moco", BAR) >= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
