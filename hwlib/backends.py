"""What `hwlib.train` asks of a library: the same few methods for `hwlib.nn` and for PyTorch."""

import sys
from contextlib import nullcontext

import hwlib.functional as hf
from hwlib import checkpoint, nn, optim


def backend(caller, model, transform, precision=None):
    """Return the adapter for the model's library.

    Raises:
        TypeError: if the model belongs to neither library.
        ValueError: if a model of hwlib is to train in another precision.

    >>> from hwlib.nn import ReLU
    >>> type(backend("fit", ReLU(), None)).__name__
    '_NumPy'
    """
    if isinstance(model, nn.Module):
        if precision is not None:
            raise ValueError(
                f"{caller}: a model of hwlib trains in the precision of its parameters, so "
                f"precision must be None, got {precision!r}"
            )
        return _NumPy(caller, model, transform)
    torch = sys.modules.get("torch")  # hwlib works without it, and a model of torch has imported it
    if torch is None or not isinstance(model, torch.nn.Module):
        raise TypeError(
            f"{caller}: model must be a module of hwlib.nn or torch, not {type(model).__name__}"
        )
    return _Torch(caller, model, transform, torch, precision)


class _NumPy:
    """What `fit` asks of a library, for `hwlib`."""

    precision = scaler = None
    _kind = optim.Optimizer

    def __init__(self, caller, model, transform):
        self.caller, self.model, self.transform = caller, model, transform

    def optimizer(self, given, lr):
        """Return the optimizer: the one given, if it is for this model, or else Adam."""
        if given is None:
            return self._adam(**({} if lr is None else {"lr": lr}))
        if lr is not None:
            raise ValueError(f"{self.caller}: give lr or an optimizer, not both; it has its own lr")
        own = {id(p) for _, p in self.model.named_parameters()}
        if not isinstance(given, self._kind) or not {id(p) for p in self._optimized(given)} <= own:
            raise ValueError(
                f"{self.caller}: the optimizer must be a {self._kind.__module__}.Optimizer for "
                f"parameters of this model, got {given!r}"
            )
        return given

    def _adam(self, **lr):
        return optim.Adam(self.model.named_parameters(), **lr)

    def _optimized(self, optimizer):
        return optimizer.params.values()

    def order(self, order, x, y):
        """Return an index array where images and labels are."""
        return order

    def batch(self, x, y, index, rng):
        """Return the images and labels of a batch as the model takes them."""
        return self._transformed(x[index], rng), y[index]

    def _transformed(self, x, rng):
        x = x if self.transform is None else self.transform(x, rng)
        if "float" not in str(x.dtype):
            raise TypeError(
                f"{self.caller}: the model takes floats, but images are {x.dtype}; convert them, "
                "or pass a transform that does it batch by batch"
            )
        return x

    def logits(self, x):
        return self.model(x)

    def step(self, x, y, optimizer):
        """Take one step, and return the loss before it."""
        logits, backward = self.model.vjp(x)
        loss, pullback = hf.cross_entropy.vjp(logits, y)
        _, grads = backward(pullback(1)[0])
        optimizer.step(grads)
        return float(loss)

    def score(self, x, y):
        """Return loss and accuracy."""
        logits = self.model(x)
        return float(hf.cross_entropy(logits, y)), float((logits.argmax(1) == y).mean())

    def numbers(self, scalars):
        """Return losses or scores as Python's floats."""
        return scalars

    def load(self, path):
        """Return what a checkpoint holds, with the arrays of this library."""
        return checkpoint.load(path)

    def seed(self, rng):
        """Make all layers that draw random numbers use this generator."""
        for module in self.model.modules():
            if hasattr(module, "rng"):
                module.rng = rng

    def own_randomness(self):
        """Return a context manager that protects the random numbers of the rest of the program."""
        return nullcontext()  # NumPy's generators belong to those who made them


class _Torch(_NumPy):
    """The same for PyTorch."""

    def __init__(self, caller, model, transform, torch, precision):
        super().__init__(caller, model, transform)
        self.torch, self._kind = torch, torch.optim.Optimizer
        self.device = next(model.parameters(), torch.empty(0)).device
        self.precision = precision
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=precision == "float16")

    def _adam(self, **lr):
        return self.torch.optim.Adam(self.model.parameters(), **lr)

    def _optimized(self, optimizer):
        return [p for group in optimizer.param_groups for p in group["params"]]

    def order(self, order, x, y):
        # An index on the images' own device, or else each batch would have to wait for it.
        tensors = all(isinstance(a, self.torch.Tensor) for a in (x, y)) and x.device == y.device
        return self.torch.from_numpy(order).to(x.device) if tensors else order

    def batch(self, x, y, index, rng):
        x, y = (self.torch.as_tensor(a[index]).to(self.device) for a in (x, y))
        return self._transformed(x, rng), y.long()

    def logits(self, x):
        with self.torch.no_grad():
            return self.model(x)

    def step(self, x, y, optimizer):
        half = getattr(self.torch, self.precision or "float32")
        with self.torch.autocast(self.device.type, half, enabled=self.precision is not None):
            logits = self.model(x)
        logits = logits if self.precision is None else logits.float()
        loss = self.torch.nn.functional.cross_entropy(logits, y)
        self.model.zero_grad()
        self.scaler.scale(loss).backward()  # the scale is 1 except in float16
        self.scaler.step(optimizer)  # skipped if a gradient overflowed
        self.scaler.update()
        return loss.detach()

    def score(self, x, y):
        logits = self.logits(x)
        loss = self.torch.nn.functional.cross_entropy(logits, y)
        return self.torch.stack([loss.double(), (logits.argmax(1) == y).double().mean()])

    def numbers(self, scalars):
        return self.torch.stack(scalars).tolist()

    def load(self, path):
        state = checkpoint.load(path, self.torch.from_numpy)
        if old := state.get("optimizer", {}).get("state"):
            # torch counts the parameters, and JSON has strings for keys; hwlib's are names
            state["optimizer"]["state"] = {int(k) if k.isdigit() else k: old[k] for k in old}
        return state

    def seed(self, rng):
        seed = int(rng.integers(2**63))
        if self.device.type == "cpu":  # what torch.manual_seed does there, ten times as fast
            self.torch.default_generator.manual_seed(seed)
        else:
            self.torch.manual_seed(seed)

    def own_randomness(self):
        devices = [self.device] if self.device.type == "cuda" else []
        return self.torch.random.fork_rng(devices)
