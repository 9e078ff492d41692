"""What is compared: each case is one call of hwlib and the same call of torch."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F

import hwlib.functional as hf
from hwlib import nn, optim


def alike(a, b, tolerance=1e-4):
    """Whether two arrays, or two tuples of arrays, differ by little, measured by the largest."""
    if isinstance(a, tuple):
        return len(a) == len(b) and all(alike(*pair) for pair in zip(a, b, strict=True))
    a, b = (np.asarray(t.detach() if isinstance(t, torch.Tensor) else t) for t in (a, b))
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    return bool(np.abs(a - b).max() <= tolerance * np.abs(b).max())


@dataclass(frozen=True)
class Case:
    """Functions that give the same: hwlib's, torch's, and maybe torch's in channels_last."""

    table: str
    name: str
    part: str
    shape: str
    functions: tuple[Callable, ...]
    flop: int = 0
    same: Callable = alike


def every(quick: bool) -> Iterator[Case]:
    """Yield all cases, one at a time: their arrays are large. Quick ones have small batches."""
    rng = np.random.default_rng(0)
    less = 8 if quick else 1
    yield from convolutions(rng, less)
    yield from other_layers(rng, less)
    yield from training(rng, less)
    yield from products(rng)
    yield from memory(rng, less)


def random(rng, *shape):
    """Draw a float32 array."""
    return rng.standard_normal(shape, np.float32)


def size(*arrays):
    """Write shapes as they are usually written."""
    return ", ".join("×".join(map(str, a.shape)) for a in arrays)


# ------------------------------------------------------------------------------ layers


def layer(table, name, ours, theirs, arrays, *, channels_last=False, flop=0):
    """Yield forward and backward of a layer.

    Args:
        table: where they belong.
        name: of the layer.
        ours: (*arrays) -> (y, backward).
        theirs: (*tensors) -> y.
        arrays: x first, then parameters.
        channels_last: whether to take torch with this layout, too.
        flop: of the forward pass; two products of its size make the backward pass.
    """
    y, backward = ours(*arrays)
    dy = random(np.random.default_rng(1), *y.shape)
    layouts = [torch.contiguous_format, *[torch.channels_last] * channels_last]
    torchs = [_Torch(theirs, arrays, dy, layout) for layout in layouts]
    forward = lambda: ours(*arrays)[0]
    forwards = forward, *(t.forward for t in torchs)
    yield Case(table, name, "forward", size(arrays[0]), forwards, flop)
    gradients = lambda: tuple(g for g in backward(dy) if g is not None)
    backwards = gradients, *(t.backward for t in torchs)
    yield Case(table, name, "backward", size(arrays[0]), backwards, 2 * flop)


class _Torch:
    """torch's side of a layer, in one memory layout."""

    def __init__(self, layer, arrays, dy, layout):
        def tensor(a):
            t = torch.from_numpy(a)
            return t.contiguous(memory_format=layout) if t.ndim == 4 else t

        self.layer = layer
        self.leaves = [tensor(a).requires_grad_() for a in arrays]
        self.y, self.dy = layer(*self.leaves), tensor(dy)

    def forward(self):
        with torch.no_grad():
            return self.layer(*self.leaves)

    def backward(self):
        return torch.autograd.grad(self.y, self.leaves, self.dy, retain_graph=True)


DENSE = [  # name, N, C, H = W, F, K
    ("7×7, 3 → 32", 64, 3, 32, 32, 7),
    ("3×3, 32 → 64", 64, 32, 32, 64, 3),
    ("3×3, 64 → 128", 64, 64, 16, 128, 3),
    ("3×3, 128 → 256", 32, 128, 8, 256, 3),
    ("1×1, 128 → 256", 64, 128, 16, 256, 1),
]
SPECIAL = [  # and groups
    ("3×3 depthwise, 64", 64, 64, 16, 64, 3, 64),
    ("3×3 tiny, 1 → 16", 64, 1, 8, 16, 3, 1),
]


def conv_arrays(rng, n, c, h, f, k, groups=1):
    """Draw x, weight and bias; the weights are of the size that a network's have."""
    weight = random(rng, f, c // groups, k, k) / np.float32(k * (c // groups) ** 0.5)
    return random(rng, n, c, h, h), weight, random(rng, f)


def convolutions(rng, less):
    for name, n, c, h, f, k, *groups in [*DENSE, *SPECIAL]:
        how = dict(padding=k // 2, groups=groups[0] if groups else 1)
        arrays = conv_arrays(rng, n // less, c, h, f, k, how["groups"])
        ours, theirs = partial(hf.conv2d.vjp, **how), partial(F.conv2d, **how)
        flop = 2 * arrays[1].size * (n // less) * h * h
        yield from layer("conv", name, ours, theirs, arrays, channels_last=True, flop=flop)


def other_layers(rng, less):
    image, rows = random(rng, 64 // less, 64, 16, 16), random(rng, 1024 // less, 512)
    channels, features = [[random(rng, c), random(rng, c)] for c in (64, 512)]
    large = random(rng, 64 // less, 32, 32, 32)

    def bn(x, weight, bias):
        y, backward = hf.batch_norm.vjp(x, None, None, weight, bias, training=True)
        return y, backward

    def torch_bn(x, weight, bias):
        return F.batch_norm(x, None, None, weight, bias, training=True)

    def ln(x, weight, bias):
        return hf.layer_norm.vjp(x, 512, weight, bias)

    def torch_ln(x, weight, bias):
        return F.layer_norm(x, (512,), weight, bias)

    yield from layer("layers", "batch norm 2d", bn, torch_bn, [image, *channels])
    yield from layer("layers", "batch norm 1d", bn, torch_bn, [rows, *features])
    yield from layer("layers", "layer norm", ln, torch_ln, [rows, *features])
    pool, torch_pool = (lambda x: hf.max_pool2d.vjp(x, 2)), (lambda x: F.max_pool2d(x, 2))
    yield from layer("layers", "max pool 2×2", pool, torch_pool, [large], channels_last=True)
    yield from layer("layers", "ReLU", hf.relu.vjp, F.relu, [large])
    affine = [random(rng, 256 // less, 1024), random(rng, 512, 1024), random(rng, 512)]
    yield from layer("layers", "linear to 512", hf.linear.vjp, F.linear, affine)

    logits, target = random(rng, 4096 // less, 10), rng.integers(10, size=4096 // less)
    yield from layer(
        "layers",
        "cross-entropy",
        lambda x: hf.cross_entropy.vjp(x, target),
        lambda x: F.cross_entropy(x, torch.from_numpy(target)),
        [logits],
    )
    draw, tensor = np.random.default_rng(2), torch.from_numpy(large)
    both = lambda: hf.dropout(large, 0.25, rng=draw), lambda: F.dropout(tensor, 0.25)
    dropped = partial(both_drop, large, 0.25)
    yield Case("layers", "dropout", "forward", size(large), both, same=dropped)


def both_drop(x, p, *results):
    """Whether in each result what is not 0 is x / (1 − p), and the share of 0 is about p."""
    for y in map(np.asarray, results):
        kept = y != 0
        share_is_right = abs(1 - kept.mean() - p) < 6 * (p * (1 - p) / x.size) ** 0.5
        if not (share_is_right and alike(y, np.where(kept, x / np.float32(1 - p), 0))):
            return False
    return True


# ------------------------------------------------------------------------------ training


def training(rng, less):
    for name, fused in [("Adam", False), ("Adam, torch's fused", True)]:
        start, gradient = random(rng, 1_000_000 // less), random(rng, 1_000_000 // less)
        functions = adam(start.copy(), gradient), torch_adam(start.copy(), gradient, fused)
        yield Case("training", name, "step", f"{start.size} parameters", functions)
    images, labels = random(rng, 64, 1, 8, 8), rng.integers(10, size=64)
    # What a dropout drops is a matter of chance: the two are compared without, timed with it.
    functions = Steps(images, labels, 0.25), TorchSteps(images, labels, 0.25)
    plain = Steps(images, labels, 0.0), TorchSteps(images, labels, 0.0)
    yield Case(
        "training",
        "digits CNN",
        "step",
        size(images),
        functions,
        same=lambda *_: alike(*(np.array([s() for _ in range(4)]) for s in plain)),
    )


def adam(p, gradient):
    optimizer = optim.Adam([("p", p)])

    def step():
        optimizer.step({"p": gradient})
        return p

    return step


def torch_adam(p, gradient, fused):
    p = torch.from_numpy(p)
    p.grad = torch.from_numpy(gradient)
    optimizer = torch.optim.Adam([p], fused=fused)

    def step():
        optimizer.step()
        return p

    return step


class Steps:
    """A network for the digits; each call trains it one step and returns the loss."""

    def __init__(self, images, labels, p):
        self.model = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1, bias=False, rng=1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 16, 3, padding=1, bias=False, rng=2),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1, bias=False, rng=3),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Dropout(p, rng=4),
            nn.Linear(128, 10, rng=5),
        )
        self.optimizer = optim.Adam(self.model.named_parameters())
        self.images, self.labels = images, labels

    def __call__(self):
        logits, backward = self.model.vjp(self.images)
        loss, pullback = hf.cross_entropy.vjp(logits, self.labels)
        _, gradients = backward(pullback(1)[0])
        self.optimizer.step(gradients)
        return float(loss)


class TorchSteps:
    """The same in torch, from the same weights."""

    def __init__(self, images, labels, p):
        self.model = torch.nn.Sequential(
            torch.nn.Conv2d(1, 16, 3, padding=1, bias=False),
            torch.nn.BatchNorm2d(16),
            torch.nn.ReLU(),
            torch.nn.Conv2d(16, 16, 3, padding=1, bias=False),
            torch.nn.BatchNorm2d(16),
            torch.nn.ReLU(),
            torch.nn.MaxPool2d(2),
            torch.nn.Conv2d(16, 32, 3, padding=1, bias=False),
            torch.nn.BatchNorm2d(32),
            torch.nn.ReLU(),
            torch.nn.MaxPool2d(2),
            torch.nn.Flatten(),
            torch.nn.Dropout(p),
            torch.nn.Linear(128, 10),
        )
        state = Steps(images, labels, p).model.state_dict()
        self.model.load_state_dict({n: torch.from_numpy(a) for n, a in state.items()})
        self.optimizer = torch.optim.Adam(self.model.parameters())
        self.images, self.labels = torch.from_numpy(images), torch.from_numpy(labels)

    def __call__(self):
        self.optimizer.zero_grad()
        loss = F.cross_entropy(self.model(self.images), self.labels)
        loss.backward()
        self.optimizer.step()
        return loss.item()


# ------------------------------------------------------------------------------ the limits


def products(rng):
    """Yield the matrix products of the convolutions alone, of blocks that stay in the cache."""
    for name, _, c, h, f, k in DENSE:
        w, columns = random(rng, f, c * k * k), random(rng, c * k * k, h * h)
        ours, theirs = np.empty((f, h * h), np.float32), torch.empty(f, h * h)
        functions = (
            partial(np.matmul, w, columns, out=ours),
            partial(torch.matmul, torch.from_numpy(w), torch.from_numpy(columns), out=theirs),
        )
        flop = 2 * w.size * h * h
        yield Case("products", name, "", size(w, columns), functions, flop)


def memory(rng, less):
    """Yield convolutions beside the columns of the whole batch in one array."""
    for name, n, c, h, f, k in DENSE[:4]:
        arrays = conv_arrays(rng, n // less, c, h, f, k)
        dy = random(rng, n // less, f, h, h)
        for part in ("forward", "both"):
            functions = [
                partial(run, rule, arrays, dy if part == "both" else None, k // 2)
                for rule in (hf.conv2d.vjp, im2col_conv2d)
            ]
            yield Case("memory", name, part, size(arrays[0]), tuple(functions))


def run(rule, arrays, dy, padding):
    """Run a convolution forward, and with dy backward."""
    y, backward = rule(*arrays, padding=padding)
    return y if dy is None else (y, *backward(dy))


def im2col_conv2d(x, weight, bias, *, padding):
    """Convolve as many textbooks do: the columns of the whole batch, then one product."""
    n, c, h, _ = x.shape
    f, _, k, _ = weight.shape
    padded = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (k, k), (2, 3))
    columns = windows.transpose(1, 4, 5, 0, 2, 3).reshape(c * k * k, n * h * h)
    y = weight.reshape(f, -1) @ columns + bias[:, None]  # (F, N H W)

    def backward(dy):
        dy = dy.transpose(1, 0, 2, 3).reshape(f, -1)
        d_columns = (weight.reshape(f, -1).T @ dy).reshape(c, k, k, n, h, h)
        d_padded = np.zeros((c, n, *padded.shape[2:]), x.dtype)
        for i in range(k):
            for j in range(k):
                d_padded[:, :, i : i + h, j : j + h] += d_columns[:, i, j]
        inside = slice(padding, padding + h)
        dx = np.ascontiguousarray(d_padded[:, :, inside, inside].swapaxes(0, 1))
        return dx, (dy @ columns.T).reshape(weight.shape), dy.sum(1)

    return np.ascontiguousarray(y.reshape(f, n, h, h).swapaxes(0, 1)), backward
