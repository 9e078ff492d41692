"""Wrong variants of the homework's network: one method of it replaced, with the words for it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

from hwlib.labs.pytorch_cnn.base import base_class

MISTAKES: dict[str, Callable] = {}  # in words: makes the class of a network with this mistake


def _wrong(method: str, words: str) -> Callable:
    """Register a function that replaces a method of the network."""

    def register(function):
        MISTAKES[words] = lambda: type("Wrong", (base_class(),), {method: function})
        return function

    return register


def _stage(k, x, *steps):
    for step in steps:
        x = step(k, x)
    return x


for _only in ((1, 2, 3), (1,), (2,), (3,)):
    _where = "" if len(_only) == 3 else f" in block {_only[0]}"

    @_wrong("stage", f"batch norm is made but not used{_where}: it belongs after each convolution")
    def _without_norm(net, k, x, only=_only):
        norm = () if k in only else (net.norm,)
        return _stage(k, x, net.conv, *norm, net.relu, net.pool)

    @_wrong(
        "stage",
        f"batch norm is after the ReLU{_where}: the order is convolution, batch norm, ReLU, "
        "pooling",
    )
    def _norm_after_relu(net, k, x, only=_only):
        order = (net.relu, net.norm) if k in only else (net.norm, net.relu)
        return _stage(k, x, net.conv, *order, net.pool)

    @_wrong(
        "stage",
        f"batch norm is after the pooling{_where}: it belongs between convolution and ReLU",
    )
    def _norm_after_pool(net, k, x, only=_only):
        order = (net.relu, net.pool, net.norm) if k in only else (net.norm, net.relu, net.pool)
        return _stage(k, x, net.conv, *order)

    @_wrong("stage", f"the pooling is before batch norm{_where}: it belongs after the ReLU")
    def _pool_before_norm(net, k, x, only=_only):
        order = (net.pool, net.norm, net.relu) if k in only else (net.norm, net.relu, net.pool)
        return _stage(k, x, net.conv, *order)


@_wrong("norm", "batch norm is left out in evaluation mode; there it uses the running statistics")
def _norm_in_training(net, k, x):
    return base_class().norm(net, k, x) if net.training else x


@_wrong(
    "norm",
    "batch norm uses its running statistics in training mode: F.batch_norm needs "
    "training=self.training",
)
def _norm_by_running(net, k, x):
    norm = getattr(net, f"bn{k}", None)
    return x if norm is None else norm.train(False)(x)


@_wrong("flat", "the maps are flattened with the channels last; flatten(1) keeps them first")
def _channels_last(net, x):
    return x.permute(0, 2, 3, 1).flatten(1)


@_wrong("flat", "height and width are exchanged before the maps are flattened")
def _turned(net, x):
    return x.transpose(2, 3).flatten(1)


for _count in (1, 2, 4):
    for _which in combinations(range(1, 5), _count):
        _names = " and ".join(("conv1", "conv2", "conv3", "fc1")[k - 1] for k in _which)
        _wrong("relu", f"there is no ReLU after {_names}")(
            lambda net, k, x, without=_which: x if k in without else x.relu()
        )


@_wrong("pool", "the windows of the pooling overlap; they should be 2×2 with stride 2")
def _overlapping(net, k, x):
    from torch.nn.functional import max_pool2d

    return max_pool2d(x, 3, 2, 1) if k < 3 else x


@_wrong("pool", "the pooling takes means; it should take maxima")
def _mean_pool(net, k, x):
    from torch.nn.functional import avg_pool2d

    return avg_pool2d(x, 2) if k < 3 else x


@_wrong(
    "head",
    "dropout is active in evaluation mode: F.dropout always drops unless it gets "
    "training=self.training",
)
def _drop_always(net, x):
    from torch.nn.functional import dropout

    return net.fc2(dropout(net.relu4(net.fc1(x)), net.drop.p))


@_wrong("head", "dropout drops with the probability of keeping")
def _drop_what_is_kept(net, x):
    from torch.nn.functional import dropout

    return net.fc2(dropout(net.relu4(net.fc1(x)), 1 - net.drop.p, net.training))


@_wrong("head", "nothing is dropped in training mode, although p_drop is above 0")
def _no_drop(net, x):
    return net.fc2(net.relu4(net.fc1(x)))


@_wrong("head", "dropout is before fc1: it belongs between relu4 and fc2")
def _drop_before_fc1(net, x):
    return net.fc2(net.relu4(net.fc1(net.drop(x))))


@_wrong(
    "head",
    "dropout is after fc2, where it erases the scores of whole classes: it belongs between relu4 "
    "and fc2",
)
def _drop_after_fc2(net, x):
    return net.drop(net.fc2(net.relu4(net.fc1(x))))


@_wrong("head", "the ReLU, and dropout, are after fc2; they belong after fc1")
def _relu_after_fc2(net, x):
    return net.drop(net.relu(4, net.fc2(net.fc1(x))))


@_wrong(
    "head",
    "the network ends with a softmax: cross_entropy contains one and takes the logits",
)
def _softmax(net, x):
    return base_class().head(net, x).softmax(1)


@_wrong(
    "head",
    "the network ends with a log_softmax: return the logits, cross_entropy does the rest",
)
def _log_softmax(net, x):
    return base_class().head(net, x).log_softmax(1)


@_wrong("head", "there is a ReLU on the logits: they must be free to be negative")
def _relu_on_logits(net, x):
    return base_class().head(net, x).relu()
