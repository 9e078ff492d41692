"""The homework's network in PyTorch."""

from __future__ import annotations

from functools import cache, partial
from typing import Any


def base_network(
    in_channels: int = 3,
    size: int = 32,
    classes: int = 100,
    *,
    batch_norm: bool = False,
    p_drop: float = 0.0,
) -> Any:
    """Return the homework's network, for square images of any size from 4 on.

    Three convolutions with 16, 32 and 64 filters, the first two followed by pooling and the third
    with stride 2, then 256 hidden units. `p_drop` is the probability of dropping a unit.

    >>> sum(p.numel() for p in base_network().parameters())
    311684
    >>> sum(p.numel() for p in base_network(batch_norm=True).parameters())
    311908
    """
    return base_class()(in_channels, size, classes, batch_norm, p_drop)


# The homework's first two networks, by name.
HOMEWORK = {
    "base": base_network,
    "BN + dropout": partial(base_network, batch_norm=True, p_drop=0.2),
}


@cache
def base_class():
    """Return the class of the network; its methods are what the mistakes below replace."""
    from torch import nn

    class Base(nn.Module):
        def __init__(self, in_channels, size, classes, batch_norm, p_drop):
            super().__init__()
            self.conv1 = nn.Conv2d(in_channels, 16, 3, padding=1)
            self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
            self.conv3 = nn.Conv2d(32, 64, 3, stride=2, padding=1)
            if batch_norm:
                self.bn1, self.bn2, self.bn3 = map(nn.BatchNorm2d, (16, 32, 64))
            self.relu1, self.relu2, self.relu3, self.relu4 = (nn.ReLU() for _ in range(4))
            self.pool1, self.pool2 = nn.MaxPool2d(2), nn.MaxPool2d(2)
            side = (size // 4 + 1) // 2
            self.fc1 = nn.Linear(64 * side * side, 256)
            self.drop = nn.Dropout(p_drop)
            self.fc2 = nn.Linear(256, classes)

        def conv(self, k, x):
            return getattr(self, f"conv{k}")(x)

        def norm(self, k, x):
            return getattr(self, f"bn{k}")(x) if hasattr(self, f"bn{k}") else x

        def relu(self, k, x):
            return getattr(self, f"relu{k}")(x)

        def pool(self, k, x):
            return getattr(self, f"pool{k}")(x) if k < 3 else x

        def stage(self, k, x):
            return self.pool(k, self.relu(k, self.norm(k, self.conv(k, x))))

        def flat(self, x):
            return x.flatten(1)  # (N, 64, s, s) -> (N, 64 s s)

        def head(self, x):
            return self.fc2(self.drop(self.relu(4, self.fc1(x))))

        def forward(self, x):
            for k in (1, 2, 3):
                x = self.stage(k, x)
            return self.head(self.flat(x))

    return Base
