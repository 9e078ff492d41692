"""The lab of the PyTorch network: right is right, each usual slip is named, the log outlives all."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import io
import json
import tarfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from hwlib import data
from hwlib.data import RemoteFile
from hwlib.labs import pytorch_cnn as lab
from hwlib.labs.pytorch_cnn import checks, experiments, networks, speed
from hwlib.train import evaluate, fit

_spec = importlib.util.spec_from_file_location(
    "faulty_server", Path(__file__).with_name("faulty_server.py")
)
faulty = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(faulty)


def verdict(check, capsys, *arguments):
    answer = check(*arguments)
    return answer, capsys.readouterr().out


# ------------------------------------------------------------------------------ the network


class Network(nn.Module):
    """A reader's network, with hooks for the slips below."""

    def __init__(self, in_channels=3, size=32, classes=100, *, batch_norm=False, p_drop=0.0):
        super().__init__()
        self.batch_norm, self.p_drop = batch_norm, p_drop
        self.conv1 = nn.Conv2d(in_channels, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.conv3 = nn.Conv2d(32, 64, 3, stride=2, padding=1)
        if batch_norm:
            self.bn1, self.bn2, self.bn3 = (nn.BatchNorm2d(n) for n in (16, 32, 64))
        side = (size // 4 + 1) // 2
        self.fc1 = nn.Linear(64 * side**2, 256)
        self.fc2 = nn.Linear(256, classes)
        self.drop = nn.Dropout(p_drop)
        self.changed(in_channels, size, classes)

    def changed(self, in_channels, size, classes):
        pass

    def norm(self, k, x):
        return getattr(self, f"bn{k}")(x) if self.batch_norm else x

    def stage(self, k, x):
        x = F.relu(self.norm(k, getattr(self, f"conv{k}")(x)))
        return F.max_pool2d(x, 2) if k < 3 else x

    def hidden(self, x):
        return F.relu(self.fc1(x))

    def head(self, x):
        return self.fc2(self.drop(self.hidden(x)))

    def forward(self, x):
        for k in (1, 2, 3):
            x = self.stage(k, x)
        return self.head(x.flatten(1))


def slip(base=Network, **methods):
    return type("Network", (base,), methods)


def changed(what):
    return slip(changed=lambda self, c, size, k: what(self, c, size, k))


def narrow(self, c, size, k):
    """No padding in conv1 and conv2, and an fc1 that fits the smaller maps."""
    self.conv1, self.conv2 = nn.Conv2d(c, 16, 3), nn.Conv2d(16, 32, 3)
    side = (((size - 2) // 2 - 2) // 2 + 1) // 2
    self.fc1 = nn.Linear(64 * side**2, 256)


NETWORK_SLIPS = {
    "fc1 too small": (changed(narrow), "fc1.weight has shape (256, 576) instead of (256, 1024)"),
    "no padding": (
        changed(lambda s, c, *_: setattr(s, "conv1", nn.Conv2d(c, 16, 3))),
        "after conv1 the maps are (16, 30, 30) and should be (16, 32, 32)",
    ),
    "stride forgotten": (
        changed(lambda s, *_: setattr(s, "conv3", nn.Conv2d(32, 64, 3, padding=1))),
        "after conv3 the maps are (64, 8, 8) and should be (64, 4, 4)",
    ),
    "a pooling too few": (
        slip(stage=lambda s, k, x: F.relu(s.norm(k, getattr(s, f"conv{k}")(x)))),
        "after conv2 the maps are (32, 32, 32)",
    ),
    "fixed to 32 pixels": (
        changed(lambda s, *_: setattr(s, "fc1", nn.Linear(1024, 256))),
        "Network(1, 8, 10, batch_norm=True, p_drop=0.0): fc1.weight has shape (256, 1024)",
    ),
    "no bn": (
        changed(lambda s, *_: [delattr(s, n) for n in ("bn1", "bn2", "bn3") if hasattr(s, n)]),
        "lacks bn1.",
    ),
    "bn always": (
        changed(lambda s, *_: setattr(s, "bn1", nn.BatchNorm2d(16))),
        "without batch_norm there should be no batch norm",
    ),
    "another name": (
        changed(lambda s, *_: (setattr(s, "fc", s.fc1), delattr(s, "fc1"))),
        "has no fc1.weight in its state_dict",
    ),
    "one more": (
        changed(lambda s, *_: setattr(s, "fc3", nn.Linear(2, 2))),
        "has fc3.weight in its state_dict, unlike the homework's network",
    ),
    "bn unused": (slip(norm=lambda s, k, x: x), "batch norm is made but not used"),
    "bn behind relu": (
        slip(
            stage=lambda s, k, x: (
                F.max_pool2d(s.norm(k, F.relu(getattr(s, f"conv{k}")(x))), 2)
                if k < 3
                else s.norm(k, F.relu(getattr(s, f"conv{k}")(x)))
            )
        ),
        "batch norm is after the ReLU",
    ),
    "bn behind pool": (
        slip(
            stage=lambda s, k, x: s.norm(
                k,
                F.max_pool2d(F.relu(getattr(s, f"conv{k}")(x)), 2)
                if k < 3
                else F.relu(getattr(s, f"conv{k}")(x)),
            )
        ),
        "batch norm is after the pooling",
    ),
    "no relu4": (slip(hidden=lambda s, x: s.fc1(x)), "there is no ReLU after fc1"),
    "no relu2": (
        slip(
            stage=lambda s, k, x: (
                F.max_pool2d(s.norm(k, s.conv2(x)), 2) if k == 2 else Network.stage(s, k, x)
            )
        ),
        "there is no ReLU after conv2",
    ),
    "mean pool": (
        slip(
            stage=lambda s, k, x: (
                F.avg_pool2d(F.relu(s.norm(k, getattr(s, f"conv{k}")(x))), 2)
                if k < 3
                else Network.stage(s, k, x)
            )
        ),
        "the pooling takes means",
    ),
    "keep": (
        changed(lambda s, *_: setattr(s, "drop", nn.Dropout(1 - s.p_drop))),
        "Dropout has p=1, not 0, the probability of KEEPING",
    ),
    "keep, as a function": (
        slip(head=lambda s, x: s.fc2(F.dropout(s.hidden(x), 1 - s.p_drop, s.training))),
        "dropout drops with the probability of keeping",
    ),
    "another p": (
        changed(lambda s, *_: setattr(s, "drop", nn.Dropout(0.5))),
        "Dropout has p=0.5, not 0",
    ),
    "drops in eval mode": (
        slip(head=lambda s, x: s.fc2(F.dropout(s.hidden(x), s.p_drop))),
        "dropout is active in evaluation mode",
    ),
    "never drops": (slip(head=lambda s, x: s.fc2(s.hidden(x))), "nothing is dropped in training"),
    "drops before fc1": (
        slip(head=lambda s, x: s.fc2(s.hidden(s.drop(x)))),
        "dropout is before fc1",
    ),
    "drops scores": (slip(head=lambda s, x: s.drop(s.fc2(s.hidden(x)))), "dropout is after fc2"),
    "softmax": (slip(head=lambda s, x: Network.head(s, x).softmax(1)), "ends with a softmax"),
    "log softmax": (
        slip(head=lambda s, x: Network.head(s, x).log_softmax(1)),
        "ends with a log_softmax",
    ),
    "relu on logits": (
        slip(head=lambda s, x: F.relu(Network.head(s, x))),
        "there is a ReLU on the logits",
    ),
    "no return": (slip(forward=lambda s, x: [Network.forward(s, x)].clear()), "forward returns nothing; return the logits"),
    "momentum of the other lab": (
        changed(lambda s, *_: s.batch_norm and setattr(s, "bn1", nn.BatchNorm2d(16, momentum=0.9))),
        "batch norm has momentum=0.9; keep PyTorch's 0.1",
    ),
    "no module": (lambda *a, **k: (lambda x: x), "derive the class from torch.nn.Module"),
    "conv3 unused": (
        slip(stage=lambda s, k, x: x[:, :1].repeat(1, 64, 1, 1)[..., ::2, ::2] if k == 3 else Network.stage(s, k, x)),
        "conv3 is made but not used in forward",
    ),
}  # fmt: skip


def test_the_right_network_passes(capsys):
    assert verdict(lab.network, capsys, Network) == (
        True,
        "Right: `Network` is right in all 5 cases.\n",
    )


@pytest.mark.parametrize("name", NETWORK_SLIPS)
def test_a_wrong_network_is_explained(name, capsys):
    attempt, said = NETWORK_SLIPS[name]
    right, out = verdict(lab.network, capsys, attempt)
    assert not right
    assert out.startswith("Not yet: in case ")
    assert said in out, out


def test_an_untouched_network_is_your_turn(capsys):
    class Stub(nn.Module):
        def __init__(self, *arguments, **more):
            super().__init__()
            raise NotImplementedError("exercise 'The network'")

    class HalfStub(Network):
        def forward(self, x):
            raise NotImplementedError("exercise 'The network': forward")

    for stub in Stub, HalfStub:
        right, out = verdict(lab.network, capsys, stub)
        assert not right
        assert out.startswith("Your turn: exercise 'The network'")


def test_the_check_leaves_torchs_chance_alone(capsys):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    lab.network(Network)
    lab.random_flip(flip)
    lab.own_design(Network, dict(epochs=1, batch_size=32))
    assert torch.equal(torch.get_rng_state(), before)


def test_the_homeworks_network_in_numbers():
    """State entries, shapes, parameters and outputs, as the homework asserts them."""
    plain, normed = lab.base_network(), lab.base_network(batch_norm=True, p_drop=0.2)
    assert (len(plain.state_dict()), len(normed.state_dict())) == (10, 25)
    assert sum(p.numel() for p in plain.parameters()) == 311_684
    assert sum(p.numel() for p in normed.parameters()) == 311_908
    shapes = {n: tuple(p.shape) for n, p in plain.named_parameters() if n.endswith("weight")}
    assert shapes == {
        "conv1.weight": (16, 3, 3, 3),
        "conv2.weight": (32, 16, 3, 3),
        "conv3.weight": (64, 32, 3, 3),
        "fc1.weight": (256, 1024),
        "fc2.weight": (100, 256),
    }
    assert plain(torch.zeros(9, 3, 32, 32)).shape == (9, 100)
    assert normed(torch.zeros(11, 3, 32, 32)).shape == (11, 100)
    names = {n for n, _ in normed.named_children()}
    assert names == {
        *("conv1", "conv2", "conv3", "bn1", "bn2", "bn3", "relu1", "relu2", "relu3", "relu4"),
        *("pool1", "pool2", "fc1", "fc2", "drop"),
    }


@pytest.mark.parametrize("size", [4, 8, 12, 16, 30, 32])
def test_the_network_adapts_to_the_size(size):
    assert lab.base_network(2, size, 7)(torch.zeros(3, 2, size, size)).shape == (3, 7)


def test_the_reference_is_torch_by_hand():
    """The check's own network beside a forward pass written with functions of torch.

    And its logits have both signs, or a ReLU on them would go unseen.
    """
    made = lab.base_network(3, 12, 10, batch_norm=True, p_drop=0.4).double().eval()
    made.load_state_dict(networks._state(made))
    s = made.state_dict()
    x = torch.randn(4, 3, 12, 12, dtype=torch.float64)
    h = x
    for k, stride in ((1, 1), (2, 1), (3, 2)):
        h = F.conv2d(h, s[f"conv{k}.weight"], s[f"conv{k}.bias"], stride=stride, padding=1)
        bn = [s[f"bn{k}.{n}"] for n in ("running_mean", "running_var", "weight", "bias")]
        h = F.relu(F.batch_norm(h, *bn))
        h = F.max_pool2d(h, 2) if k < 3 else h
    h = F.relu(F.linear(h.reshape(4, -1), s["fc1.weight"], s["fc1.bias"]))
    h = F.linear(h, s["fc2.weight"], s["fc2.bias"])
    assert torch.allclose(made(x), h, rtol=1e-12, atol=1e-12)
    assert h.min() < 0 < h.max()


# ------------------------------------------------------------------------------ the step


def step(model, optimizer, x, y):
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.detach()


def step_of(source):
    """A step with these lines."""
    lines = "\n    ".join(source.split("; "))
    scope = {"F": F, "torch": torch}
    exec(f"def training_step(model, optimizer, x, y):\n    {lines}", scope)
    return scope["training_step"]


LOSS = "loss = F.cross_entropy(model(x), y)"
STEP_SLIPS = {
    "no zero_grad": (f"{LOSS}; loss.backward(); optimizer.step(); return loss.item()", "zero_grad is not called"),
    "step first": (
        f"optimizer.step(); {LOSS}; optimizer.zero_grad(); loss.backward(); return loss.item()",
        "the optimizer steps before backward",
    ),
    "step after forward": (
        f"{LOSS}; optimizer.step(); optimizer.zero_grad(); loss.backward(); return loss.item()",
        "the optimizer steps between the forward pass and backward",
    ),
    "step between": (
        f"optimizer.zero_grad(); {LOSS}; optimizer.step(); loss.backward(); return loss.item()",
        "call optimizer.step() after backward()",
    ),
    "no step": (f"optimizer.zero_grad(); {LOSS}; loss.backward(); return loss.item()", "call optimizer.step()"),
    "wiped": (f"{LOSS}; loss.backward(); optimizer.zero_grad(); optimizer.step(); return loss.item()", "and not zero_grad() between"),
    "no backward": (f"optimizer.zero_grad(); {LOSS}; optimizer.step(); return loss.item()", "call backward()"),
    "softmax": (
        "optimizer.zero_grad(); loss = F.cross_entropy(model(x).softmax(1), y); loss.backward(); optimizer.step(); return loss.item()",
        "there is a softmax before cross_entropy",
    ),
    "sum": (
        "optimizer.zero_grad(); loss = F.cross_entropy(model(x), y, reduction='sum'); loss.backward(); optimizer.step(); return loss.item()",
        "the loss is a sum over the batch",
    ),
    "late": (
        f"optimizer.zero_grad(); {LOSS}; loss.backward(); optimizer.step(); return F.cross_entropy(model(x), y).item()",
        "is the one after the step",
    ),
    "labels first": ("optimizer.zero_grad(); loss = F.cross_entropy(y, model(x)); loss.backward(); optimizer.step(); return loss.item()", "the logits first, then the labels"),
    "nothing": (f"optimizer.zero_grad(); {LOSS}; loss.backward(); optimizer.step()", "nothing is returned"),
    "graph": (f"optimizer.zero_grad(); {LOSS}; loss.backward(); optimizer.step(); return loss", "with its whole graph"),
    "eval": (f"model.eval(); optimizer.zero_grad(); {LOSS}; loss.backward(); optimizer.step(); return loss.item()", "left in evaluation mode"),
}  # fmt: skip


@pytest.mark.parametrize(
    "attempt",
    [
        step,
        step_of(f"{LOSS}; optimizer.zero_grad(); loss.backward(); optimizer.step(); return loss.item()"),
        step_of(f"model.zero_grad(); {LOSS}; loss.backward(); optimizer.step(); return float(loss.detach())"),
    ],
)  # fmt: skip
def test_right_steps_pass(attempt, capsys):
    right, out = verdict(lab.training_step, capsys, attempt)
    assert right, out
    assert out.startswith("Right: `")


@pytest.mark.parametrize("name", STEP_SLIPS)
def test_a_wrong_step_is_explained(name, capsys):
    source, said = STEP_SLIPS[name]
    right, out = verdict(lab.training_step, capsys, step_of(source))
    assert not right
    assert said in out, out


def stub(*arguments):
    raise NotImplementedError("exercise 'This one': what to do")


@pytest.mark.parametrize("check", [lab.training_step, lab.to_floats, lab.random_flip])
def test_an_untouched_stub_is_your_turn(check, capsys):
    right, out = verdict(check, capsys, stub)
    assert not right
    assert out.startswith("Your turn: exercise 'This one': what to do.")


# ------------------------------------------------------------------------------ the images

FLOAT_SLIPS = {
    "0 to 1": (lambda x: x.float() / 255, "run from 0 to 1"),
    "half range": (lambda x: x.float() / 255 - 0.5, "run from −0.5 to 0.5"),
    "upside down": (lambda x: 1 - x.float() / 127.5, "the numbers run from 1 to −1"),
    "128": (lambda x: x.float() / 128 - 1, "it takes 127.5"),
    "bytes without their middle": (lambda x: (x.float() - 128) / 128, "where 128 stands, it takes 127.5"),
    "undivided": (lambda x: (x.float() - 0.5) / 0.5, "divide by 255 first"),
    "-1 to 0": (lambda x: x.float() / 255 - 1, "multiply before you subtract"),
    "wrapped": (lambda x: (2 * x) / 255 - 1, "wrapped around at 256"),
    "each image": (
        lambda x: 2 * (x.float() - x.amin((1, 2, 3), keepdim=True)) / (x.amax((1, 2, 3), keepdim=True) - x.amin((1, 2, 3), keepdim=True)) - 1,
        "scaled by its own range",
    ),
    "double": (lambda x: x.double() / 127.5 - 1, "dtype float64 instead of float32"),
    "an array": (lambda x: x.numpy() / np.float32(127.5) - 1, "return a tensor"),
    "in place": (lambda x: x.fill_(0).float(), "changed its argument x in place"),
}  # fmt: skip


@pytest.mark.parametrize(
    "attempt",
    [
        lambda x: x.float() / 127.5 - 1,
        lambda x: (x.float() / 255 - 0.5) / 0.5,
        lambda x: x.to(torch.float32).div_(255).mul_(2).sub_(1),
    ],
)
def test_right_floats_pass(attempt, capsys):
    right, out = verdict(lab.to_floats, capsys, attempt)
    assert right, out


@pytest.mark.parametrize("name", FLOAT_SLIPS)
def test_wrong_floats_are_explained(name, capsys):
    attempt, said = FLOAT_SLIPS[name]
    right, out = verdict(lab.to_floats, capsys, attempt)
    assert not right
    assert said in out, out


def flip(x, rng, dims=(-1,), coin=None):
    if rng is None:
        return x
    coin = torch.as_tensor(rng.random(len(x)) < 0.5 if coin is None else coin(x, rng)).to(x.device)
    return torch.where(coin[:, None, None, None], x.flip(dims), x)


def flip_own_generator(x, rng):
    return flip(x, np.random.default_rng(0) if rng is not None else None)


FLIP_SLIPS = {
    "rows": (lambda x, rng: flip(x, rng, (-2,)), "top and bottom are exchanged"),
    "half a turn": (lambda x, rng: flip(x, rng, (-1, -2)), "turned by half a turn"),
    "channels": (lambda x, rng: flip(x, rng, (1,)), "the channels are exchanged"),
    "batch": (lambda x, rng: x if rng is None else x.flip(0), "in the places of others"),
    "one coin": (
        lambda x, rng: flip(x, rng, coin=lambda x, rng: np.full(len(x), rng.random() < 0.9)),
        "all or none of 400 images are flipped",
    ),
    "no coin": (lambda x, rng: x + 0, "none of 400 images are flipped"),
    "evaluation": (
        lambda x, rng: flip(x, rng or np.random.default_rng(0)),
        "images change in evaluation too",
    ),
    "too many": (
        lambda x, rng: flip(x, rng, coin=lambda x, rng: rng.random(len(x)) < 0.8),
        "of the images are flipped; it should be about half",
    ),
    "torch's chance": (
        lambda x, rng: flip(x, rng, coin=lambda x, rng: torch.rand(len(x)) < 0.5),
        "draw from rng only",
    ),
    "the same for ever": (flip_own_generator, "every call flips the same images"),
    "one image": (lambda x, rng: x[0], "(400, 3, 4, 6) of torch.uint8 became (3, 4, 6)"),
    "floats": (lambda x, rng: flip(x, rng).float(), "shape and dtype should stay"),
    "no thought of None": (
        lambda x, rng: (
            flip(x, rng, coin=lambda x, rng: rng.random(len(x)) < 0.5)
            if rng is not None
            else rng.random(len(x))
        ),
        "in evaluation rng is None",
    ),
    "shifted": (
        lambda x, rng: x if rng is None else x.roll(1, -1),
        "images are shifted by one column",
    ),
    "in place": (
        lambda x, rng: x if rng is None else x.copy_(flip(x, rng)),
        "the images that were given are changed",
    ),
}


@pytest.mark.parametrize(
    "attempt",
    [
        flip,
        lambda x, rng: flip(x, rng, coin=lambda x, rng: rng.integers(0, 2, len(x)) == 1),
        lambda x, rng: flip(
            x,
            rng,
            coin=lambda x, rng: (
                torch.rand(
                    len(x), generator=torch.Generator().manual_seed(int(rng.integers(2**62)))
                )
                < 0.5
            ),
        ),
    ],
)
def test_right_flips_pass(attempt, capsys):
    right, out = verdict(lab.random_flip, capsys, attempt)
    assert right, out


@pytest.mark.parametrize("name", FLIP_SLIPS)
def test_a_wrong_flip_is_explained(name, capsys):
    attempt, said = FLIP_SLIPS[name]
    right, out = verdict(lab.random_flip, capsys, attempt)
    assert not right
    assert said in out, out


# ------------------------------------------------------------------------------ the own design

GOOD = dict(epochs=5, batch_size=32)


def wide(in_channels, size, classes):
    return nn.Sequential(
        nn.Flatten(), nn.Linear(in_channels * size**2, 400), nn.Linear(400, classes)
    )


class Idle(Network):
    def changed(self, *sizes):
        self.spare = nn.Linear(2, 2)


class Deaf(nn.Module):
    """Batch norm that takes the statistics of the batch in eval mode too."""

    def __init__(self, c, size, k):
        super().__init__()
        self.fc = nn.Linear(c * size**2, k)

    def forward(self, x):
        return self.fc(F.batch_norm(x, None, None, training=True).flatten(1))


def then(layer):
    return lambda c, size, k: nn.Sequential(Network(c, size, k), layer)


DESIGN_SLIPS = {
    "too many parameters": (wide, GOOD, "1,269,300 parameters are 269,300 too many; the most, 1,228,800, are in 1.weight"),
    "too many epochs": (Network, dict(epochs=11, batch_size=256), "11 epochs are too many; at most 10"),
    "too many steps": (Network, dict(epochs=10, batch_size=16), "10 epochs of 3,125 steps make 31,250; at most 20,000"),
    "no batch size": (Network, dict(epochs=5), "integers epochs and batch_size"),
    "softmax": (then(nn.Softmax(1)), GOOD, "ends with a softmax"),
    "relu": (then(nn.ReLU()), GOOD, "no logit is negative"),
    "no return": (slip(forward=lambda s, x: [Network.forward(s, x)].clear()), GOOD, "returns nothing; return the logits"),
    "dropout in eval mode": (slip(head=lambda s, x: s.fc2(F.dropout(s.hidden(x), 0.5))), GOOD, "two passes in evaluation mode differ"),
    "statistics of the batch": (Deaf, GOOD, "depend on the others in the batch"),
    "idle parameters": (Idle, GOOD, "spare.weight gets no gradient"),
    "other classes": (lambda c, s, k: Network(c, s, 10), GOOD, "turns 6 images into (6, 10); it should be (6, 100)"),
    "fixed size": (lambda c, s, k: Network(c, 32, k), GOOD, "raised RuntimeError"),
    "another float": (slip(forward=lambda s, x: Network.forward(s, x.double())), GOOD, "in training on cpu, with 16 images, `my_network` raised RuntimeError"),
    "fixed batch": (slip(forward=lambda s, x: Network.forward(s, x.reshape(16 if len(x) == 16 else 32, *x.shape[1:]))), dict(epochs=5, batch_size=24), "with 8 images"),
    "no module": (lambda c, s, k: None, GOOD, "the network is None; is there a return?"),
    "stub": (stub, GOOD, "Your turn: exercise 'This one': what to do."),
}  # fmt: skip


@pytest.mark.parametrize("name", DESIGN_SLIPS)
def test_a_design_outside_the_budget_or_wrong_is_explained(name, capsys):
    attempt, settings, said = DESIGN_SLIPS[name]
    right, out = verdict(lab.own_design, capsys, attempt, settings)
    assert not right
    assert said in out, out


def test_the_edge_of_the_budget_is_inside(capsys):
    """10 epochs of batches of 25: exactly 20,000 steps."""
    right, out = verdict(lab.own_design, capsys, Network, dict(epochs=10, batch_size=25))
    assert right
    assert "20,000 of 20,000 steps, 10 of 10 epochs" in out
    assert not lab.own_design(Network, dict(epochs=10, batch_size=24))


def test_the_homeworks_steps():
    assert 5 * -(-checks.TRAINING_IMAGES // 32) == 7815


# ------------------------------------------------------------------------------ the log


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_run_is_noted_from_fit(tmp_path):
    images = data.synthetic(train=40, validation=20, test=0, classes=3, shape=(1, 8, 8), rng=0)
    images = lab.on_device(images, "cpu")
    log = lab.ExperimentLog(tmp_path / "log.csv")
    model = lab.base_network(1, 8, 3)
    with log.experiment("base", seed=2, lr=1e-3) as run:
        assert read(log.path)[0]["state"] == "started"
        history = fit(
            model, images, epochs=2, batch_size=20, transform=lambda x, rng: x / 255, progress=False
        )
        run.note(model, history)
    (row,) = read(log.path)
    assert row["parameters"] == str(sum(p.numel() for p in model.parameters()))
    assert (row["name"], row["seed"], row["steps"], row["state"]) == ("base", "2", "4", "done")
    assert float(row["accuracy"]) == history.validation_accuracy[-1]
    assert json.loads(row["settings"]) == {"lr": 1e-3}
    assert float(row["seconds"]) > 0
    assert lab.ExperimentLog(log.path).rows == log.rows


def test_an_interrupted_fit_is_on_record(tmp_path):
    log = lab.ExperimentLog(tmp_path / "log.csv")
    images = data.synthetic(train=40, validation=20, test=0, classes=3, shape=(1, 8, 8), rng=0)

    def stop(x, rng):
        stop.steps += rng is not None
        if stop.steps == 4:
            raise KeyboardInterrupt
        return x / 255

    stop.steps = 0
    model = lab.base_network(1, 8, 3)
    with log.experiment("base") as run:
        images = lab.on_device(images, "cpu")
        run.note(model, fit(model, images, epochs=9, batch_size=20, transform=stop, progress=False))
    (row,) = read(log.path)
    assert (row["state"], row["steps"]) == ("interrupted", "2")
    assert row["accuracy"] != ""  # that of the first epoch, which was finished


@pytest.mark.parametrize(
    ("error", "state"),
    [(KeyboardInterrupt, "interrupted"), (ValueError, "failed: ValueError")],
)
def test_what_is_raised_is_noted_and_goes_on(error, state, tmp_path):
    log = lab.ExperimentLog(tmp_path / "log.csv")
    with pytest.raises(error), log.experiment("base", lr=0.1):
        raise error
    assert read(log.path)[0]["state"] == state


def test_a_lost_session_leaves_its_row_and_the_next_one_goes_on(tmp_path, monkeypatch):
    path = tmp_path / "log.csv"
    log = lab.ExperimentLog(path)
    with log.experiment("one", lr=0.1) as run:
        run.accuracy = 0.5
    lost = log.experiment("two", lr=0.1)
    lost.__enter__()  # and the session ends here, without any __exit__
    again = lab.ExperimentLog(path)
    assert [(r.name, r.state) for r in again.rows] == [("one", "done"), ("two", "started")]
    with again.experiment("three", seed=1, lr=0.1):
        pass
    assert [r["name"] for r in read(path)] == ["one", "two", "three"]
    assert list(tmp_path.iterdir()) == [path]
    lost.gen.close()


def test_a_repeated_run_takes_its_row_and_an_unfinished_one_its_seconds(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(experiments, "perf_counter", lambda: now[0])
    log = lab.ExperimentLog(tmp_path / "log.csv")

    def run(seconds, interrupted=False, **settings):
        with log.experiment("a", **settings) as row:
            now[0] += seconds
            row.state = "interrupted" if interrupted else row.state
        return [(r.seconds, r.state) for r in log.rows]

    assert run(3, interrupted=True, lr=0.1) == [(3, "interrupted")]
    assert run(2, lr=0.1) == [(5, "done")]  # resumed
    assert run(4, lr=0.1) == [(9, "done")]  # repeated: all the time that it took
    with pytest.raises(KeyError), log.experiment("a", lr=0.1):
        raise KeyError  # a finished row is not lost
    assert [(r.seconds, r.state) for r in lab.ExperimentLog(log.path).rows] == [(9, "done")]
    killed = log.experiment("a", lr=0.1)
    killed.__enter__()  # repeated, and the session ends here: the file still has the result
    assert [(r.seconds, r.state) for r in lab.ExperimentLog(log.path).rows] == [(9, "done")]
    killed.gen.close()
    assert run(1, lr=0.2) == [(9, "done"), (1, "done")]
    paths = {log.checkpoint(row) for row in log.rows}
    assert len(paths) == 2
    assert {p.parent for p in paths} == {tmp_path}


def test_an_unused_log_leaves_no_file(tmp_path):
    assert str(lab.ExperimentLog(tmp_path / "log.csv")) == "No experiments yet."
    assert list(tmp_path.iterdir()) == []


def test_the_table_names_what_differs(tmp_path):
    log = lab.ExperimentLog(tmp_path / "log.csv")
    for changes in {"lr": 0.1}, {"lr": 0.01}, {"lr": 0.1}, {}:
        with log.experiment("base", seed=len(log.rows), data="digits", epochs=8, **changes) as run:
            run.parameters, run.steps, run.accuracy = 1234, 1000, 0.875
    lines = str(log).splitlines()
    heads = [
        "#",
        "name",
        "data",
        "seed",
        "parameters",
        "steps",
        "validation",
        "seconds",
        "settings",
        "state",
    ]
    assert lines[0].split() == heads
    assert lines[1].split() == [
        "1",
        "base",
        "digits",
        "0",
        "1,234",
        "1,000",
        "87.5%",
        "0",
        "1",
        "done",
    ]
    assert [line.split()[-2] for line in lines[1:5]] == ["1", "2", "1", "3"]
    assert lines[5:] == [
        "Settings 1: epochs=8 lr=0.1",
        "Settings 2: as 1, but lr=0.01",
        "Settings 3: as 1, but without lr",
    ]
    assert max(map(len, lines)) <= 80


def test_other_data_and_other_code_are_other_runs(tmp_path):
    log = lab.ExperimentLog(tmp_path / "log.csv")
    for made in {"data": "a"}, {"data": "b"}, {"data": "a", "code": "1"}, {"data": "a"}:
        with log.experiment("base", **made) as run:
            run.steps += 1
    assert [row.steps for row in log.rows] == [2, 1, 1]
    assert len({log.checkpoint(row) for row in log.rows}) == 3
    assert lab.ExperimentLog(log.path).rows == log.rows


def test_an_interrupted_row_keeps_what_it_has(tmp_path):
    log = lab.ExperimentLog(tmp_path / "log.csv")
    with log.experiment("base") as run:
        run.accuracy, run.state = 0.5, "interrupted"
    with pytest.raises(ValueError, match="no"), log.experiment("base"):
        raise ValueError("no")
    (row,) = lab.ExperimentLog(log.path).rows
    assert (row.accuracy, row.state) == (0.5, "failed: ValueError")


SOURCE = '''
from torch import nn

RATE = 0.1
WIDTH = 4


class Net(nn.Module):
    """A network."""

    slope = 0.5

    def __init__(self, bias=True):
        super().__init__()
        self.first = nn.Linear(3, WIDTH, bias=bias)
        self.drop = nn.Dropout(RATE)

    def forward(self, x):
        return self.drop(self.first(x))  # (N, WIDTH)


def make(in_channels, size, classes):
    """Words."""
    return Net()
'''


def digest(source, name="make"):
    scope = {"__name__": "__main__"}
    exec(compile(source, "<a cell of the notebook>", "exec"), scope)
    return lab.fingerprint(scope[name])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("RATE = 0.1", "RATE = 0.9"),
        ("WIDTH = 4", "WIDTH = 5"),
        ("slope = 0.5", "slope = 0.6"),
        ("bias=True", "bias=False"),
        ("self.drop(self.first(x))", "self.first(self.drop(x))"),
        ("self.first(x))", "self.first(x).relu())"),
        ("return Net()", "return Net(bias=False)"),
        ("nn.Linear", "nn.LazyLinear"),
    ],
)
def test_another_network_has_another_fingerprint(old, new):
    assert SOURCE.count(old) == 1
    assert digest(SOURCE.replace(old, new)) != digest(SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("RATE", "\n\nRATE"),  # other line numbers
        ('"""Words."""', '"""Other words."""'),
        ('"""A network."""', ""),
        ("# (N, WIDTH)", "# a comment"),
    ],
)
def test_words_and_lines_do_not_count(old, new):
    assert old in SOURCE
    assert digest(SOURCE.replace(old, new, 1)) == digest(SOURCE)


def test_closures_partials_and_defaults_count():
    def make(width, rate=0.1):
        return lambda: (width, rate)

    prints = [lab.fingerprint(make(w)) for w in (1, 2, 1)]
    assert prints[0] == prints[2] != prints[1]
    assert lab.fingerprint(partial(make, 1)) != lab.fingerprint(partial(make, 2))
    assert lab.fingerprint(make) != lab.fingerprint(lab.base_network)


def test_numbers_of_numpy_stay_numbers(tmp_path):
    log = lab.ExperimentLog(tmp_path / "log.csv")
    with log.experiment(
        'a, "b"\nc', seed=np.int64(3), batch_size=np.int64(256), lr=np.float32(0.5)
    ):
        pass
    (row,) = lab.ExperimentLog(log.path).rows
    assert (row.name, row.seed, row.settings) == (
        'a, "b"\nc',
        3,
        {"batch_size": 256, "lr": 0.5},
    )


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "name,seed\nx,y\n"])
def test_another_file_is_refused(content, tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"log\.csv is not a log of experiments"):
        lab.ExperimentLog(path)
    assert path.read_text() == content


# ------------------------------------------------------------------------------ data and devices


def test_bytes_and_back():
    digits = data.digits(rng=1)
    made = lab.as_bytes(digits)
    for a, b in zip(digits[:3], made[:3], strict=True):
        assert b.x.dtype == np.uint8
        assert np.abs(b.x / 255 - a.x).max() <= 0.5 / 255 + 1e-7
        assert np.array_equal(a.y, b.y)


def test_on_a_device_they_are_tensors_and_stay_bytes():
    made = lab.on_device(lab.as_bytes(data.digits()), "cpu")
    assert made.train.x.dtype == torch.uint8
    assert made.train.y.dtype == torch.int64
    assert isinstance(made, data.Dataset)


@pytest.mark.parametrize(("capability", "precision"), [((7, 5), "float16"), ((9, 0), "bfloat16")])
def test_the_fast_path_by_device(capability, precision, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert lab.fast_path("cuda") == (precision, torch.channels_last)
    assert lab.fast_path(torch.device("cpu")) == (None, torch.contiguous_format)


def test_parity_wants_all_training_images():
    made = data.synthetic(train=9, validation=1, test=4, shape=(3, 4, 4))
    with pytest.raises(ValueError, match="by_parity: load the data with validation=0"):
        lab.by_parity(made)


def cifar(folder, train=96, test=21):
    """A server's archive in the format of CIFAR-100, its content, and its images and labels."""
    rng = np.random.default_rng(0)
    parts = {}
    for name, count in (("train", train), ("test", test)):
        labels = rng.integers(0, 100, (count, 1), dtype=np.uint8)
        records = [rng.integers(0, 20, (count, 1), dtype=np.uint8), labels]
        pixels = rng.integers(0, 256, (count, 3072), dtype=np.uint8)
        parts[name] = np.concatenate([*records, pixels], axis=1), labels.ravel(), pixels
    members = {f"{name}.bin": records.tobytes() for name, (records, *_) in parts.items()}
    members["fine_label_names.txt"] = "\n".join(f"fine_{i}" for i in range(100)).encode()
    members["coarse_label_names.txt"] = "\n".join(f"coarse_{i}" for i in range(20)).encode()
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(f"cifar-100-binary/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return held.getvalue(), parts


def test_cifar_from_a_server_to_a_trained_step(tmp_path):
    """Download, checksum, split by parity, bytes on the device, flips, some steps, a score."""
    content, parts = cifar(tmp_path)
    with faulty.FaultyServer(content) as server:
        url = server.add(faulty.cut(1000), faulty.good)
        source = RemoteFile("c.tar.gz", len(content), hashlib.sha256(content).hexdigest(), (url,))
        raw = data.cifar100(validation=0, source=source, folder=tmp_path, progress=False)
    split = lab.by_parity(raw)
    assert [len(s.y) for s in split[:3]] == [96, 11, 10]
    _, labels, pixels = parts["test"]
    assert np.array_equal(split.validation.y, labels[::2])
    assert np.array_equal(split.test.y, labels[1::2])
    assert np.array_equal(split.test.x.reshape(10, -1), pixels[1::2])
    images = lab.on_device(split, "cpu")
    model = lab.base_network(batch_norm=True, p_drop=0.2)

    def transform(x, rng):
        return flip(x, rng).float() / 127.5 - 1

    how = dict(transform=transform, progress=False, precision="bfloat16")
    history = fit(model, images, epochs=3, batch_size=32, **how)
    assert len(history.step_loss) == 9
    assert history.train_loss[-1] < history.train_loss[0]
    assert 0 <= evaluate(model, images.test, transform=transform).accuracy <= 1


# ------------------------------------------------------------------------------ images per second


def test_rates_and_their_report():
    rates = lab.throughput("cpu", batch_size=2, steps=6, rounds=2)
    assert list(rates) == ["loading alone", "the homework's loop", "base", "BN + dropout"]
    assert all(np.isfinite(v) and v > 0 for v in rates.values())
    lines = lab.report(rates).splitlines()
    assert len(lines) == 4
    assert lines[1].endswith(" 1.00")


def test_rates_of_other_networks(monkeypatch):
    """Each is made anew for each round; on a GPU each has a row for half precision, too."""
    made = []

    def own():
        made.append(nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 100)))
        return made[-1]

    half = lab.FastPath("bfloat16", torch.channels_last)
    monkeypatch.setattr(speed, "fast_path", lambda device: half)
    rates = lab.throughput("cpu", batch_size=2, steps=4, rounds=2, networks={"own": own})
    assert list(rates)[2:] == ["own", "own, half precision"]
    assert len(made) == 4
    assert all(np.isfinite(v) and v > 0 for v in rates.values())


def test_the_module_is_a_script(capsys, monkeypatch):
    asked = {}

    def throughput(**how):
        asked.update(how)
        return {"the homework's loop": 100.0, "base": 150.0}

    monkeypatch.setattr(speed, "throughput", throughput)
    speed.main([])
    assert asked == {"steps": 200}
    speed.main(["--steps", "8"])
    assert asked == {"steps": 8}
    assert capsys.readouterr().out.splitlines()[-1].endswith(" 1.50")


def test_what_the_two_loops_do_is_the_same_work(monkeypatch):
    """Both train all images but the first step's: the clock stops before any evaluation."""
    clock = iter(range(100))
    monkeypatch.setattr(speed, "_now", lambda device: float(next(clock)))
    made = data.synthetic(train=12, validation=0, test=0, classes=100, rng=0)
    device = torch.device("cpu")
    assert speed._homework_loop(made.train, lab.base_network(), 2, 1, device) == 1.0
    there = lab.on_device(made, device).train
    assert speed._fit_loop(there, lab.base_network, 2, 1, lab.FastPath(None, None)) == 1.0
    half = lab.FastPath("bfloat16", torch.channels_last)
    assert speed._fit_loop(there, lab.base_network, 2, 1, half) == 1.0
    assert next(clock) == 6


def test_an_item_of_the_homework_is_a_normalized_float():
    made = data.synthetic(train=8, validation=0, test=0, rng=0).train
    items = speed._Items(made)
    for i in range(8):
        x, y = items[i]
        plain = torch.from_numpy(made.x[i]).float() / 127.5 - 1
        assert x.dtype == torch.float32
        assert any(torch.allclose(x, p, atol=1e-6) for p in (plain, plain.flip(-1)))
        assert y == made.y[i]
