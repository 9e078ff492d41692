"""Each erratum, evaluated: what the homework prints fails, what the book says is right holds.

One function an entry of `errata.yml`, bound to it by the fixture `entry`. A test takes from the entry each
statement that it has evaluated, `entry.right(f"{value:.0%}")`, its numbers written by what it has computed,
formulas quoted beside the code that evaluates them. A phrase that is not in the entry fails, and so does a
number in the entry that no test has taken.
"""

from __future__ import annotations

import inspect
import re
import sys
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import yaml

import hwlib.functional as hf
from bookkit.course.settings import Book
from bookkit.sources import errata
from hwlib import count, graph, theory
from tests.book.test_leaks import phrases
from tests.conftest import ROOT

ENTRIES = errata.load(ROOT)
DOES_NOT_CONFORM = pytest.raises(ValueError)  # noqa: PT011 -- numpy's own words vary
same = np.testing.assert_allclose


def apart(a, b, by):
    """Whether two results differ by more than this somewhere."""
    return np.abs(np.asarray(a) - np.asarray(b)).max() > by


# --------------------------------------------------------------------- entries bound to their tests

REFERENCE = re.compile(r"\(\d+\)|\d\([a-i]\)|[Pp]roblems? \d( and \d)?|\bcase \d|_\d|CIFAR-10")


class Sentences:
    """A text from which a test takes what it has evaluated."""

    def __init__(self, text):
        self.text = self.left = " ".join(text.split())

    def __call__(self, *taken):
        for phrase in taken:
            whole = rf"(?<![\d.,]){re.escape(phrase)}(?![.,]?\d)"  # no part of a longer number
            self.left, times = re.subn(whole, "…", self.left, count=1)
            assert times, f"{phrase!r} has been evaluated and is not in the entry: {self.text}"

    def untaken(self):
        """The numbers that the test has not taken, but for those of equations, parts and subscripts."""
        return re.findall(r"\d+(?:[.,]\d+)*", REFERENCE.sub("", self.left))


@pytest.fixture
def entry(request):
    """The entry that a test is named after: its sentences, to be taken from as they are evaluated."""
    name = request.node.originalname.removeprefix("test_").replace("_", "-")
    entry = ENTRIES[name]
    printed, right = Sentences(entry.printed), Sentences(entry.right)
    yield SimpleNamespace(printed=printed, right=right)
    assert right.left != right.text, "the test takes nothing from the entry"
    assert (printed.untaken(), right.untaken()) == ([], []), "the test does not account for these"


def test_what_is_taken_from_an_entry_stands_there_and_its_numbers_are_accounted_for():
    sentences = Sentences("By (12) and 4(b), $w_1$ of a 13×3 falls\n in 1,000 steps by 5%, or 1/2.")
    for absent in ("4%", "15%", "3×3", "1/", "5% of", "3.5%"):
        with pytest.raises(AssertionError, match="not in the entry"):
            sentences(absent)
    sentences("13×3 falls in", "or 1/2")
    assert sentences.untaken() == ["1,000", "5"]
    with pytest.raises(AssertionError, match="not in the entry"):
        sentences("13×3 falls in")


def test_every_entry_has_its_test_and_every_test_its_entry():
    """Each is named after the other; only wording goes untested."""
    for entry in ENTRIES.values():
        name = "test_" + entry.id.replace("-", "_")
        assert entry.test == name or (entry.test == "" and entry.kind == "wording"), entry.id
    here = {
        name: value
        for name, value in vars(sys.modules[__name__]).items()
        if name.startswith("test_") and callable(value) and name not in ABOUT_THE_TABLE
    }
    assert here.keys() == {e.test for e in ENTRIES.values() if e.test}
    for name, test in here.items():
        assert "entry" in inspect.signature(test).parameters, f"{name} does not read its entry"


def test_every_entry_names_a_chapter_and_an_exercise_that_exist():
    pages = str(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8")))
    for entry in ENTRIES.values():
        assert f"chapters/{entry.chapter}'" in pages, entry.id
        chapter, _, exercise = entry.reveals.partition("/")
        if chapter:
            text = (ROOT / f"chapters/{chapter}.md").read_text(encoding="utf-8")
            assert f":label: {exercise}\n" in text, entry.id


def test_every_link_names_an_entry():
    linked = {}
    for path in [*(ROOT / "chapters").glob("*.md"), *Book(ROOT).solutions.glob("*/*.md")]:
        for words in re.findall(r"\{erratum\}`([^`]+)`", path.read_text(encoding="utf-8")):
            linked.setdefault(re.sub(r".*<(.*)>", r"\1", words, flags=re.S), path.name)
    assert len(linked) > 10
    assert {id: name for id, name in linked.items() if id not in ENTRIES} == {}


def test_what_the_student_edition_shows_is_in_no_solution():
    """No run of eight words, which the leak tests of the chapters look for too."""
    shown = "\n".join(f"{e.printed}\n{e.right}\n" for e in ENTRIES.values() if not e.reveals)
    public = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "chapters").glob("*.md"))
    known = phrases(public, 8)
    for path in sorted(Book(ROOT).solutions.glob("*/*.md")):
        assert not (phrases(path.read_text(encoding="utf-8"), 8) - known) & phrases(shown, 8), path


ABOUT_THE_TABLE = {name for name in dict(globals()) if name.startswith("test_")}


# ------------------------------------------------------------------------------ problem 1

FILTER = np.array([2.0, -1, 3])


def conv1d(x, w, **how):
    return hf.conv1d(x[None, None], w[None, None], **how)[0, 0]


def test_equivariance_not_invariance(entry):
    rng = np.random.default_rng(0)
    x, w = np.zeros(20), rng.standard_normal(3)
    x[5:12] = rng.standard_normal(7)
    y, shifted = conv1d(x, w), conv1d(np.roll(x, 2), w)
    same(shifted, np.roll(y, 2), atol=1e-12)
    entry.right("if the input shifts, the output shifts with it")
    assert apart(shifted, y, 0.5)
    entry.right("not invariant")
    same(shifted.max(), y.max())
    entry.right("pooling over all positions")
    for stride in (2, 3):
        outputs = [conv1d(np.roll(x, k), w, stride=stride) for k in range(4)]
        for k in range(1, 4):
            gaps = [np.abs(outputs[k] - np.roll(outputs[0], j)).max() for j in range(9)]
            assert (min(gaps) < 1e-12) == (k % stride == 0)
    entry.right(f"stride of {2} or more", "multiples of the stride")
    x = rng.standard_normal(20)
    inner = conv1d(np.roll(x, 1), w, padding=1) - np.roll(conv1d(x, w, padding=1), 1)
    same(inner[2:-2], 0, atol=1e-12)
    assert apart(inner, 0, 0.1)
    entry.right("only away from zero padding")


def test_regular_transpose_convolution(entry):
    x, w = torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2)
    size = lambda image: "{}×{}".format(*image.shape[2:])
    ordinary, transposed = F.conv2d(x, w), F.conv_transpose2d(x, w)
    entry.printed("regular transpose convolution", size(x), size(w), "stride 1", size(ordinary))
    entry.right(f"ordinary convolution that gives a {size(ordinary)}")
    entry.right(f"transposed convolution turns a {size(x)} into a {size(transposed)}")


def test_shape_swap_needs_output_padding(entry):
    K, stride, wanted = 3, 2, 3
    size = count.conv_output_size
    lengths = [n for n in range(3, 12) if size(n, K, stride=stride) == wanted]
    entry.right(f"filter of length {K} and stride {stride}")
    entry.right("both {} and {}".format(*lengths), f"give {wanted}")
    assert len({size(n, K) for n in range(3, 12)}) == 9  # with a stride of 1 it is determined
    entry.right("stride above 1, several")
    x, w = torch.ones(1, 1, wanted), torch.tensor(FILTER, dtype=torch.float32)[None, None]
    up = [F.conv_transpose1d(x, w, stride=stride, output_padding=k).shape[2] for k in (0, 1)]
    assert up == lengths
    entry.right("`output_padding` has to say which")
    x, w = torch.arange(1.0, 8)[None, None], w
    C = F.conv1d(torch.eye(7)[:, None], w, stride=2)[:, 0].T
    back = F.conv_transpose1d(F.conv1d(x, w, stride=2), w, stride=2)[0, 0]
    same(back, C.T @ (C @ x[0, 0]))
    assert apart(back, x[0, 0], 1)
    entry.right("the map is the transpose and not the inverse")


# ------------------------------------------------------------------------------ problem 2


def normalized_gradient(loss, x, gamma=1.0, divide=False):
    """(dL/dx, dL/dy, the normalized x): the mean of x is taken away, and with it the deviation."""
    x = torch.tensor(x, requires_grad=True)
    z = x - x.mean()
    z = z / z.square().mean().sqrt() if divide else z
    y = gamma * z
    y.retain_grad()
    loss(y).backward()
    return x.grad.numpy(), y.grad.numpy(), z.detach().numpy()


def norm(v):
    return np.sqrt(np.mean(v**2))


def test_limit_of_large_batches(entry):
    gamma, gaps = 2.5, []
    for n in (10, 100_000):
        rng = np.random.default_rng(n)
        x, slopes = rng.standard_normal(n), torch.tensor(1 + rng.standard_normal(n))
        dx, dy, _ = normalized_gradient(lambda y, s=slopes: (s * y).sum(), x, gamma)
        same(dx - gamma * dy, -gamma * dy.mean(), atol=1e-12)
        dx, dy, _ = normalized_gradient(torch.sum, x, gamma)
        assert set(dy) == {1}
        same(dx, 0, atol=1e-12)
        x = (x - x.mean()) / x.std()
        dx, dy, _ = normalized_gradient(lambda y, n=n: (y - 5).square().sum() / n, x)
        gaps.append(norm(dx - dy) / norm(dy))
    entry.right(r"their sum is $-\gamma$ times the mean of the upstream")
    entry.right(rf"$L = \sum_j y_j$ they are all {1}")
    entry.right(r"$\partial L/\partial x_i = 0$ for every $n$")
    same(gaps, gaps[0])
    entry.right(
        r"$L = \frac1n \sum_j (y_j - 5)^2$, $\gamma = 1$, $\beta = 0$ and standardized inputs"
    )
    entry.right(f"differ by {gaps[0]:.0%} for every $n$")
    centered = slopes - slopes.mean()
    dx, dy, _ = normalized_gradient(lambda y: (centered * y).sum(), x, gamma)
    same(dx, gamma * dy, atol=1e-9)
    assert not normalized_gradient(torch.sum, x, gamma=0.0)[0].any()  # it holds for any mean
    entry.right(r"For $\gamma \ne 0$ the samples become isolated only if the mean becomes small")


def test_batch_norm_also_divides(entry):
    half_squares = lambda y: y.square().sum() / 2
    for n in (10, 100_000):
        x = 3 + 2 * np.random.default_rng(n).standard_normal(n)
        dx, dy, z = normalized_gradient(half_squares, x, divide=True)
        same([dy.mean(), (z * dy).mean()], [0, 1], atol=1e-12)
        same(dx, 0, atol=1e-12)
        assert norm(dy) > 0.9
        dx, dy, _ = normalized_gradient(half_squares, x)
        same(dx, dy, atol=1e-12)  # the layer of 2(b) passes it on
    entry.right(r"the mean of $\hat x_j\, \partial L/\partial y_j$ must become small as well")
    entry.right(r"$L = \frac12 \sum_j y_j^2$, $\gamma = 1$, $\beta = 0$ and $\epsilon = 0$")
    entry.right("upstream gradients have mean 0", r"$\partial L/\partial x_i = 0$ for every $n$")


# ------------------------------------------------------------------------------ problem 3


def test_low_rank_of_what(entry):
    rng, K, rank = np.random.default_rng(0), 3, np.linalg.matrix_rank
    for F_, C in ((4, 5), (5, 5), (6, 2)):
        d, p = rng.standard_normal((C, K, K)), rng.standard_normal((F_, C))
        x, kernel = rng.standard_normal((1, C, 6, 6)), p[:, :, None, None] * d
        two = hf.conv2d(hf.conv2d(x, d[:, None], groups=C), p[:, :, None, None])
        same(two, hf.conv2d(x, kernel), atol=1e-12)
        (of_one,) = {rank(kernel[:, c].reshape(F_, K * K)) for c in range(C)}
        whole = kernel.reshape(F_, C * K * K)
        assert rank(whole) == min(F_, C)
        assert (rank(whole) == min(whole.shape)) == (F_ <= C)
    entry.right(rf"form an $F \times K^2$ matrix of rank {of_one}.")
    entry.right(r"The $F \times C K^2$ matrix of the whole layer can have rank $\min(F, C)$")
    entry.right(r"full rank when $F \le C$")


def test_fewer_parameters_when(entry):
    def counts(C, outputs, K):
        conv = lambda *sizes, **how: torch.nn.Conv2d(*sizes, bias=False, **how).weight.numel()
        return conv(C, C, K, groups=C) + conv(C, outputs, 1), conv(C, outputs, K)

    for C, outputs, K in product((1, 8), range(1, 6), range(1, 6)):
        pair, ordinary = counts(C, outputs, K)
        same(pair / ordinary, 1 / outputs + 1 / K**2)
        assert (pair < ordinary) is (outputs >= 2 and K >= 2)
        assert (pair > ordinary) is (outputs == 1 or K == 1)
    entry.right("$1/F + 1/K^2$ times as many")
    entry.right(f"fewer exactly when $F$ and $K$ are both at least {2}")
    entry.right("more for a single output channel or a 1×1 kernel")
    pair, ordinary = counts(3, 4, 3)
    entry.right(f"{pair} instead of {ordinary}, or {pair / ordinary:.0%}")


# ------------------------------------------------------------------------------ problem 4

KEEP = 0.7
NOISE = theory.bernoulli(keep=KEEP)


def regression(n, d):
    """Data X (n, d), targets y and weights w of a linear regression."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, d)), rng.standard_normal(n), rng.standard_normal(d)


SQUARE, TALL = regression(3, 3), regression(4, 2)


def mean_over_masks(f, X, noise=NOISE):
    """E f(R ⊙ X) over all masks, exactly."""
    R, probability = noise.outcomes(X.size)
    return sum(p * f(r.reshape(X.shape) * X) for r, p in zip(R, probability, strict=True))


def expected(X, y, w):
    """The expected loss (10), by all masks."""
    return theory.expected_loss_by_masks(X, y, w, noise=NOISE)


def test_expansion_in_9(entry):
    printed = lambda P, y, w: y @ y - 2 * y @ P.T @ y + y @ P.T @ P @ w
    right = lambda P, y, w: y @ y - 2 * w @ P.T @ y + w @ P.T @ P @ w
    formula = (
        r"$\mathbf y^T\mathbf y - 2\mathbf {0}^T P^T \mathbf y + \mathbf {0}^T P^T P\, \mathbf w$"
    )
    entry.printed(formula.format("y"))
    entry.right(formula.format("w"))
    X, y, w = TALL
    with DOES_NOT_CONFORM:
        printed(X, y, w)
    same(right(X, y, w), np.sum((y - X @ w) ** 2))
    entry.right("do not even conform unless $n = d$")
    X, y, w = SQUARE
    assert apart(mean_over_masks(lambda P: printed(P, y, w), X), expected(X, y, w), 0.2)
    same(mean_over_masks(lambda P: right(P, y, w), X), expected(X, y, w), rtol=1e-12)


def test_mask_before_product(entry):
    X, y, w = TALL
    with DOES_NOT_CONFORM:
        np.ones(X.shape) * (X @ w)
    entry.right("its shape differs from that of the product")
    same(mean_over_masks(lambda P: np.sum((y - P @ w) ** 2), X), expected(X, y, w), rtol=1e-12)
    entry.right(r"$(R \odot X)\,\mathbf w$")


def test_linear_term_in_12(entry):
    X, y, w = TALL
    with DOES_NOT_CONFORM:
        y @ X.T @ y
    same(mean_over_masks(lambda P: 2 * w @ P.T @ y, X), 2 * KEEP * w @ X.T @ y, rtol=1e-12)
    entry.right(r"$\mathbb E_R[2\mathbf w^T P^T \mathbf y] = 2p\, \mathbf w^T X^T \mathbf y$")
    X, y, w = SQUARE
    R, probability = NOISE.outcomes(X.size)
    values = [2 * y @ (r.reshape(X.shape) * X).T @ y for r in R]
    assert np.ptp(values) > 1
    entry.right("still contains the random matrix $P$")
    assert apart(probability @ values, 2 * KEEP * w @ X.T @ y, 0.5)
    entry.printed(r"$\mathbb E_R[2\mathbf y^T P^T \mathbf y] = 2\mathbf y^T P^T \mathbf y$")


def test_which_w(entry):
    X, y, _ = TALL
    in_23 = theory.minimizer(X, y, noise=NOISE)
    in_28 = np.linalg.solve(X.T @ X + np.diag(theory.gamma(X, noise=NOISE) ** 2), X.T @ y)
    same(KEEP * in_23, in_28, atol=1e-12)
    entry.right(r"$\mathbf w$ denotes $p\,\check{\mathbf w}$")
    assert apart(in_23, in_28, 0.05)
    entry.right("another vector")


def test_factor_in_20(entry):
    X, y, w = 3 * SQUARE[0], *SQUARE[1:]
    fit = np.sum((y - KEEP * X @ w) ** 2)
    E = mean_over_masks(lambda P: P.T @ P, X)
    assert (w @ (E @ w - KEEP**2) * w).shape == (3,)  # a vector where a number should be
    entry.printed(r"$\mathbf w^T(\mathbb E_R[P^TP]\,\mathbf w - p^2)\,\mathbf w$")
    same(fit + w @ (E - KEEP**2 * X.T @ X) @ w, expected(X, y, w), rtol=1e-12)
    entry.right(r"$\mathbf w^T(\mathbb E_R[P^TP] - p^2 X^TX)\,\mathbf w$")
    assert apart(fit + w @ (E - KEEP**2 * np.eye(3)) @ w, expected(X, y, w), 0.1)
    entry.right("one $\\mathbf w$ too many, and $X^TX$ is missing")


def test_sign_in_21(entry):
    X, y, w = SQUARE
    fit, size = np.sum((y - KEEP * X @ w) ** 2), np.sum(X**2, axis=0) @ w**2
    penalty = r"\,\mathbf w^T (\operatorname{diag}(X^TX))\,\mathbf w$"
    assert apart(fit + (KEEP**2 - KEEP) * size, expected(X, y, w), 1)
    entry.printed(f"$(p^2 - p){penalty}")
    same(fit + (KEEP - KEEP**2) * size, expected(X, y, w), rtol=1e-12)
    entry.right(f"$(p - p^2){penalty}")
    assert (KEEP**2 - KEEP) * size < 0
    entry.right("With the printed sign, dropout would reward large weights")


def test_diagonal_of_gamma(entry):
    X, _, _ = TALL
    for keep in (0.9, 0.5, 0.2):
        gamma = theory.gamma(X, noise=theory.bernoulli(keep=keep))
        same(gamma / np.linalg.norm(X, axis=0), np.sqrt((1 - keep) / keep))
        columns = np.linalg.norm(X / gamma, axis=0)
        same(columns, np.sqrt(keep / (1 - keep)))
        assert np.allclose(columns, 1) is (keep == 1 / 2)
    entry.right(r"$\Gamma = \sqrt{\frac{1-p}{p}}\,\check\Gamma$")
    entry.right(
        r"$\tilde X = X\Gamma^{-1}$, every column therefore has the norm $\sqrt{\frac{p}{1-p}}$"
    )
    entry.right("which is 1 only for $p = 1/2$")


def test_norm_is_not_variance(entry):
    rng = np.random.default_rng(0)
    for means, alike in (([3, 0.2, -7], False), ([3, -3, 3], True)):
        X = rng.standard_normal((500, 3)) * [0.3, 0.6, 0.9]
        X = (X - X.mean(axis=0)) * (0.5 / X.std(axis=0) if alike else 1) + means
        effective = theory.effective_matrix(X, noise=NOISE)
        moment, variance = (effective**2).mean(axis=0), effective.var(axis=0)
        same(moment, moment[0])
        assert np.allclose(variance, variance[0]) is alike
        same(hf.batch_norm(X, None, None, training=True, eps=0).var(axis=0), 1)
    entry.right("gives the columns the same second moment about zero")
    # Equal moments m^2 + v: the variances are equal just where the squared means are.
    entry.right("variances are equal only if their means have the same size")


# ------------------------------------------------------------------------------ problem 5

X5, Y5 = np.array([[10.0, 1]]), np.array([11.0])
HALF = theory.bernoulli(keep=0.5, inverted=True)
LEAST = np.linalg.pinv(X5) @ Y5
CASES = np.array([[20.0, 2], [20, 0], [0, 2], [0, 0]])  # 5(c)
DROPPED = np.linalg.lstsq(CASES, np.full(4, 11.0), rcond=None)[0]
ONLY = [11 / CASES[1, 0], 11 / CASES[2, 1]]  # each weight, were its feature the only one kept
STEPS, RATE = 1_000, 0.001  # of the lab's parts (b), (d) and (e)


def descend(w, steps, rows=X5):
    """Gradient descent on the mean squared error over the rows, each with target 11."""
    w = np.array(w, dtype=float)
    for _ in range(steps):
        w -= RATE * 2 * rows.T @ (rows @ w - 11) / len(rows)
    return w


def dropout_sgd(runs, batch):
    """Last weights (runs, 2) of SGD from zero, each step on a batch of the four cases."""
    rng, w = np.random.default_rng(0), np.zeros((runs, 2))
    for _ in range(STEPS):
        rows = CASES[rng.integers(4, size=(runs, batch))]  # (runs, batch, 2)
        miss = np.einsum("rbj,rj->rb", rows, w) - 11
        w -= RATE * 2 * np.einsum("rb,rbj->rj", miss, rows) / batch
    return w


def test_singular_normal_matrix(entry):
    square = X5.T @ X5
    with pytest.raises(np.linalg.LinAlgError):
        np.linalg.inv(square)
    entry.printed(r"$(\mathbf X^T \mathbf X)^{-1} \mathbf X^T \mathbf y$")
    rows, columns = square.shape
    rank = np.linalg.matrix_rank(square)
    entry.right(f"a {rows}×{columns} matrix of rank {rank} and has no inverse")
    same(LEAST.round(8), [1.08910891, 0.10891089])  # printed there
    entry.right(r"$\mathbf X^+ \mathbf y$")
    for t in (-0.5, -0.1, 0.1, 0.5):
        other = LEAST + t * np.array([1, -10])
        same(X5 @ other, Y5)
        assert np.linalg.norm(other) > np.linalg.norm(LEAST)
    entry.right("of all the solutions, the shortest")


def test_gradient_descent_from_zero(entry):
    ends = [descend(start, STEPS) for start in ([0, 0], [30, 3], [-5, -0.5])]
    same(ends, [LEAST] * 3, atol=1e-9)
    same(LEAST[0], 10 * LEAST[1])
    entry.printed(
        "$w_1$ is 10x larger than $w_2$", "norm-minimizing one", "norm-minimizing solution"
    )
    entry.right(r"if training starts at zero, or at any multiple of $\mathbf x$")
    torch.manual_seed(0)
    for _ in range(3):
        start = torch.nn.Linear(2, 1, bias=False).weight.detach().numpy()[0].astype(float)
        end = descend(start, STEPS)
        same([end @ X5[0], end @ [1, -10]], [11, start @ [1, -10]])
        assert apart(end, LEAST, 0.01)
    entry.right(r"orthogonal to $\mathbf x$ never changes")
    entry.right("default ones of `nn.Linear`, end elsewhere on the line of solutions")


def test_features_not_data_points(entry):
    assert len(X5) == 1
    entry.right("There is only one data point")
    np.testing.assert_array_equal(CASES[((CASES @ DROPPED - 11) ** 2).argmax()], [0, 0])
    entry.right("Both *features* are dropped out")


def test_slow_for_every_batch_size(entry):
    exact, noise = descend([0, 0], STEPS, rows=CASES), []
    for batch, runs in ((1, 4000), (16, 400)):
        ends = dropout_sgd(runs, batch)
        error = ends.std(axis=0, ddof=1) / np.sqrt(runs)
        assert (np.abs(ends.mean(axis=0) - exact) < 4 * error).all()
        assert (error < 0.02).all()
        assert f"{ends[:, 1].mean():.1f}" == f"{exact[1]:.1f}"
        noise.append(ends[:, 0].std())
    entry.right("SGD with any batch size takes the same path as gradient descent on the four cases")
    entry.right(f"After {STEPS:,} steps with learning rate {RATE}")
    entry.right(f"$w_2 = {exact[1]:.1f}$ on their way to {DROPPED[1]:.1f}")
    assert noise[1] < noise[0] / 2
    entry.right("A larger batch removes the noise")


def test_still_slightly_different(entry):
    values, vectors = np.linalg.eigh(2 * CASES.T @ CASES / 4)
    entry.right("eigenvalues {1:.0f} and {0:.0f}".format(*values))
    distance = lambda w: abs((w - DROPPED) @ vectors[:, 0]) / abs(DROPPED @ vectors[:, 0])
    ends = [descend([0, 0], n, rows=CASES) for n in (STEPS, 10 * STEPS)]
    left = f"{distance(ends[0]):.0%}"
    assert left == f"{distance(dropout_sgd(400, 64).mean(axis=0)):.0%}"
    entry.right(f"{STEPS:,} steps with learning rate {RATE} leave {left}")
    entry.right("with or without sampling")
    assert distance(ends[1]) < 1e-9
    entry.right(f"After {10 * STEPS:,} steps without sampling the difference is gone")
    assert ((CASES @ ends[1] - 11) ** 2).mean() > 40  # a loss remains, and no difference
    entry.right("Neither the remaining loss nor the sampling causes this difference")


def test_pulls_without_scaling(entry):
    np.testing.assert_array_equal(CASES.max(axis=0) / X5[0], 2)
    entry.right("doubles the features that it keeps")
    result = "the output is {:g} and the squared error {:g}"
    entry.right(f"pull $w_2$ toward {ONLY[1]:g} and $w_1$ toward {ONLY[0]:g}")
    entry.right(result.format(output := CASES[0] @ ONLY, (output - 11) ** 2))
    unscaled = 11 / X5[0]
    entry.printed(f"$w_2$ towards {unscaled[1]:g}", f"$w_1$ towards {unscaled[0]:g}")
    entry.printed("at $w_1 = 1$ and $w_2 = 10$")
    entry.printed(result.format(output := X5[0] @ [1, 10], (output - 11) ** 2))


def test_four_cases(entry):
    outcomes, probability = HALF.outcomes(2)
    np.testing.assert_array_equal(np.sort(outcomes * X5[0], axis=0), np.sort(CASES, axis=0))
    (each,) = set(probability)
    entry.right(f"{len(outcomes)}, each with probability 1/{1 / each:g}")
    assert len(outcomes) != 3
    entry.printed("3 different potential cases")
    same([descend(w, 1, rows=CASES[3:]) for w in ([0, 0], [3, -5])], [[0, 0], [3, -5]])
    entry.right("adds a constant to the loss and nothing to the gradient")


def test_settle_in_the_middle(entry):
    assert LEAST[1] < DROPPED[1] < ONLY[1]
    entry.right(f"$w_2 = {DROPPED[1]:.2f}$, which lies between the {LEAST[1]:.2f}")
    entry.right(f"{ONLY[1]:g} of the case")
    assert DROPPED[0] < min(LEAST[0], ONLY[0])
    entry.right(f"$w_1 = {DROPPED[0]:.2f}$, which is smaller than both the {LEAST[0]:.2f}")
    entry.right(f"the {ONLY[0]:g} of the case")


def test_steep_is_not_low(entry):
    gradients = 2 * CASES * (CASES @ DROPPED - 11)[:, None]
    up = gradients[1, 0] / gradients[2, 1]
    assert gradients[1, 0] < 0
    entry.right(f"keeps only the first feature pulls $w_1$ up {up:.0f} times harder, too")
    entry.printed(f"{gradients[0, 0] / gradients[0, 1]:.0f} times harder")
    w = np.zeros(2)
    for _ in range(20_000):  # each component of the gradient times any positive factor
        w -= 1e-4 * np.array([1, 10]) * (2 * CASES.T @ (CASES @ w - 11) / 4)
    same(w, DROPPED, atol=1e-9)
    entry.right(f"multiplying one of them by {10} does not change where that is")
    hessian = 2 * (CASES / X5[0]).T @ (CASES / X5[0]) / 4  # in u = x w
    np.testing.assert_array_equal(hessian, hessian[::-1, ::-1])
    assert np.linalg.eigvalsh(hessian).min() > 0
    entry.right("the expected loss is symmetric and strictly convex")
    u = X5[0] * DROPPED
    same(u[0], u[1])
    entry.right("$u_1 = u_2$ at the minimum", f"$w_1 = w_2/{DROPPED[1] / DROPPED[0]:.0f}$")


def test_unique_below_one(entry):
    for drop in (0.001, 0.5, 0.999):
        noise = theory.bernoulli(keep=1 - drop, inverted=True)
        loss = lambda w, noise=noise: theory.expected_loss(X5, Y5, w, noise=noise)
        w = theory.minimizer(X5, Y5, noise=noise)
        assert all(loss(w + s) > loss(w) for s in [*np.eye(2), *-np.eye(2), [1, -10]])
    entry.right("strictly between 0 and 1")
    nothing = theory.bernoulli(keep=0)
    (loss,) = {theory.expected_loss(X5, Y5, w, noise=nothing) for w in ([0, 0], [1, 1], [9, -4])}
    entry.right("At rate 1 every input is dropped", f"the loss is {loss:g} for all weights")


@pytest.mark.slow
def test_adam_from_zero(entry):
    def adam(start):
        w = torch.tensor(start, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.Adam([w], lr=1e-2)
        for _ in range(4000):
            optimizer.zero_grad()
            ((10 * w[0] + w[1] - 11) ** 2).backward()
            optimizer.step()
        return w.detach().numpy()

    written = lambda w: "$({:g}, {:g})$".format(*np.round(w, 2))
    for start, is_told in {(0.0, 0.0): True, (0.5, -0.3): False, (0.0, 1.0): True}.items():
        end = adam(start)
        same([end @ X5[0], end[1] - end[0]], [11, start[1] - start[0]], atol=1e-2)
        if is_told:
            entry.right(f"from {written(start)} it reaches {written(end)}")
    entry.right("their difference stays what it was")


# ------------------------------------------------------------------------------ problem 6


def test_spatial_dropout_or_batch_norm(entry):
    x = np.random.default_rng(0).standard_normal((8, 16, 4, 4)) * 3 + 5
    dropped = hf.dropout2d(x, 0.5, rng=np.random.default_rng(1))
    zeroed = (dropped == 0).all(axis=(2, 3))
    assert 0 < zeroed.sum() < zeroed.size
    same(dropped[~zeroed], 2 * x[~zeroed])
    entry.right("spatial dropout sets whole channels to zero")
    normalized = hf.batch_norm(x, None, None, training=True)
    same(normalized.mean(axis=(0, 2, 3)), 0, atol=1e-12)
    same(normalized.std(axis=(0, 2, 3)), 1, atol=1e-5)
    entry.right("spatial batch norm standardizes them")


def test_edge_from_mean_to_variance(entry):
    def standardize(X, gamma, beta):
        mu = graph.name("mu", X.mean(axis=0))
        var = graph.name("var", ((X - mu) ** 2).mean(axis=0))
        return graph.name("Y", graph.name("Z", (X - mu) / np.sqrt(var + 1e-5)) * gamma + beta)

    X = np.random.default_rng(0).standard_normal((6, 3))
    edges = set(graph.trace(standardize, X=X, gamma=np.ones(3), beta=np.zeros(3)).edges())
    printed = ["X mu", "X var", "X Z", "mu Z", "var Z", "Z Y", "gamma Y", "beta Y"]
    assert len(printed) == 8
    entry.printed("Eight edges", r"from $\mu$ to $\sigma^2$")
    assert edges == {tuple(edge.split()) for edge in [*printed, "mu var"]}
    entry.right(r"$\sigma^2$ is computed from $\mu$, so the graph has this edge too")
    X, mu = torch.tensor(X), torch.tensor(X.mean(axis=0), requires_grad=True)
    (slope,) = torch.autograd.grad(((X - mu) ** 2).mean(dim=0).sum(), mu)
    same(slope, -2 / len(X) * (X - mu).detach().sum(dim=0), atol=1e-12)
    same(slope, 0, atol=1e-12)
    entry.right(r"$\partial \sigma^2/\partial \mu = -\frac{2}{n}\sum_i (X_i - \mu) = 0$")


class Norm:
    """A batch (n = 7, 3 features), its statistics, and the gradients that autograd finds."""

    def __init__(self):
        rng = np.random.default_rng(0)
        X = torch.tensor(3 * rng.standard_normal((7, 3)) + 1, requires_grad=True)
        gamma, beta = torch.tensor(rng.standard_normal((2, 3)))
        dy = torch.tensor(rng.standard_normal((7, 3)) + 0.5)
        var = ((X - X.mean(dim=0)) ** 2).mean(dim=0)
        var.retain_grad()
        (dy * (gamma * (X - X.mean(dim=0)) / torch.sqrt(var + 1e-5) + beta)).sum().backward()
        self.dX, self.dvar = X.grad.numpy(), var.grad.numpy()
        self.X, self.gamma, self.beta, self.dy = (a.detach().numpy() for a in (X, gamma, beta, dy))
        self.n, self.s, self.c = 7, self.X.var(axis=0) + 1e-5, self.X - self.X.mean(axis=0)
        # What the gradient by the variance is, and the printed one, whose sum lacks a factor.
        factor = -0.5 * self.gamma * self.s**-1.5
        self.right = factor * (self.dy * self.c).sum(axis=0)
        self.printed = factor * self.dy.sum(axis=0)
        rest = self.gamma / np.sqrt(self.s) * (self.dy - self.dy.mean(axis=0))
        self.through_variance = self.dX - rest


N = Norm()


def test_factor_in_48(entry):
    s = torch.tensor(N.s, requires_grad=True)
    Z = torch.tensor(N.c) / torch.sqrt(s)
    (slope,) = torch.autograd.grad(Z[2].sum(), s)
    same(slope, -0.5 * N.c[2] * N.s**-1.5)
    assert apart(slope, -0.5 * N.s**-1.5, 0.01)
    slope = r"\partial Z_{ij}/\partial \sigma_j^2 = -\frac12"
    entry.printed(rf"${slope} (\sigma_j^2 + \epsilon)^{{-3/2}}$")
    entry.right(rf"${slope} (X_{{ij}} - \mu_j)(\sigma_j^2 + \epsilon)^{{-3/2}}$")
    assert apart(N.printed, N.dvar, 0.05)
    same(N.right, N.dvar)
    entry.right(
        r"$\partial \mathcal L/\partial \sigma_j^2$ should be"
        r" $-\frac12 \gamma_j (\sigma_j^2 + \epsilon)^{-3/2} \sum_i dy_{ij} (X_{ij} - \mu_j)$"
    )


def test_index_in_56(entry):
    printed = -0.5 * N.gamma * N.s**-1.5 * (N.dy * 2 / N.n * N.c).sum(axis=0)
    assert apart(N.through_variance, printed, 0.05)
    assert np.ptp(N.through_variance, axis=0).min() > 0.05  # depends on i; the printed one does not
    entry.printed(r"$\frac{2}{n}(X_{kj} - \mu_j)$", r"$\partial\sigma_j^2/\partial X_{ij}$")
    slope = 2 / N.n * N.c  # (53)
    same(slope * N.dvar, N.through_variance, atol=1e-12)
    entry.right(r"$\frac{2}{n}(X_{ij} - \mu_j)$, with the index $i$, so it belongs in front")
    # (51) as printed, with (53) as it is: wrong as well, so it takes both corrections.
    assert apart(slope * N.printed, N.through_variance, 0.05)
    same(slope * N.right, N.through_variance, atol=1e-12)
    entry.right(r"A factor $(X_{kj} - \mu_j)$ does belong under the sum")


def test_closed_form_57(entry):
    def bracket(X, third, eps=1e-5):
        """(57) with a third term of the bracket, third(c, s)."""
        c, s = X - X.mean(axis=0), X.var(axis=0) + eps
        return N.gamma / np.sqrt(s) * (N.dy - N.dy.mean(axis=0) + third(c, s))

    printed = lambda c, s: -1 / N.n * 1 / s * (N.dy * c).sum(axis=0)
    right = lambda c, s: -c / (N.n * s) * (N.dy * c).sum(axis=0)
    assert apart(bracket(N.X, printed), N.dX, 0.05)
    entry.printed(r"$-\frac1n \frac{1}{\sigma_j^2+\epsilon} \sum_k dy_{kj}(X_{kj} - \mu_j)$")
    same(bracket(N.X, right), N.dX, atol=1e-12)
    entry.right(r"$-\frac{X_{ij}-\mu_j}{n(\sigma_j^2+\epsilon)} \sum_k dy_{kj}(X_{kj} - \mu_j)$")
    # Measure X in another unit, and epsilon with it: each term of the bracket should stay as it is.
    scaled, eps = 100 * N.X, 100**2 * 1e-5
    same(100 * bracket(scaled, right, eps), bracket(N.X, right))
    assert apart(100 * bracket(scaled, printed, eps), bracket(N.X, printed), 0.05)
    entry.right("does not have the unit of the other two")


def two_layer_runs(seed, drop, *, images, hidden, epochs, batch, lr, wrong=0.0):
    """Training accuracy, validation accuracy (percent) and validation loss at the end of each epoch."""
    from sklearn.datasets import load_digits

    x, labels = (torch.tensor(a) for a in load_digits(return_X_y=True))
    x, rng = x.float() / 16, torch.Generator().manual_seed(seed)
    order = torch.randperm(len(x), generator=rng)
    inside, outside = order[:images], order[images : images + 1000]
    said = labels.clone()
    chosen = inside[: round(wrong * images)]
    said[chosen] = (said[chosen] + torch.randint(1, 10, chosen.shape, generator=rng)) % 10
    torch.manual_seed(seed)
    linear = torch.nn.Linear
    net = torch.nn.Sequential(
        linear(64, hidden), torch.nn.ReLU(), torch.nn.Dropout(drop), linear(hidden, 10)
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history = []
    for _ in range(epochs):
        for rows in torch.randperm(images).split(batch):
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(net(x[inside[rows]]), said[inside[rows]]).backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            scores = net(x[inside]), net(x[outside])
        net.train()
        right = [
            100 * (s.argmax(dim=1) == said[rows]).float().mean().item()
            for s, rows in zip(scores, (inside, outside), strict=True)
        ]
        history.append([*right, F.cross_entropy(scores[1], said[outside]).item()])
    return np.array(history)


@pytest.mark.slow
def test_does_dropout_help(entry):
    images, hidden, rate, epochs, batch, seeds = 500, 500, 0.5, 15, 100, 20
    settings = dict(images=images, hidden=hidden, epochs=2 * epochs, batch=batch, lr=5e-4)
    runs = np.array(
        [[two_layer_runs(s, drop, **settings) for drop in (0.0, rate)] for s in range(seeds)]
    )  # (seeds, without and with, epochs, 3)
    entry.right(f"{images} images, {hidden} hidden units, dropout rate {rate} and {epochs} epochs")
    train, validation, loss = np.moveaxis(runs[:, :, epochs - 1], -1, 0)
    gain = validation[:, 1] - validation[:, 0]
    entry.right(f"lowered the validation accuracy by about {-gain.mean():.0f} point")
    assert (gain > 0).sum() == 0
    entry.right(f"raised it in none of {seeds} seeds")
    narrower = np.diff(validation - train, axis=1)[:, 0]
    assert narrower.mean() < 2 * narrower.std(ddof=1) / np.sqrt(seeds)
    entry.right("did not narrow the gap")
    steps = epochs * images // batch
    entry.right(f"{steps} steps are too few to overfit: in the next {steps}")
    assert (runs[:, :, -1, 2] < loss / 2).all()
    entry.right("the validation loss still falls by more than half")
    assert (np.diff(loss, axis=1) > 0).all()
    assert np.diff(train, axis=1).mean() < -0.5
    entry.right("dropout slows this fitting down")
    noisy = dict(images=200, hidden=256, epochs=40, batch=50, lr=5e-3, wrong=0.3)
    pairs = [[two_layer_runs(s, p, **noisy)[-1, 1] for p in (0.0, 0.75)] for s in range(5)]
    assert np.diff(pairs, axis=1).min() > 3
    entry.right(f"With {noisy['wrong']:.0%} of the training labels wrong")
    entry.right("dropout raises the accuracy by several points")


# ------------------------------------------------------------------------------ problem 8


def test_linear_term_in_8(entry):
    X, y, w = TALL
    with DOES_NOT_CONFORM:
        y @ X.T @ w
    entry.right("the shapes fit only if $n = d$")
    X, y, w = SQUARE
    noise = theory.gaussian(mean=0.8, std=1.3)
    right = mean_over_masks(lambda P: 2 * y @ P @ w, X, noise)
    same(right, 2 * 0.8 * y @ X @ w, rtol=1e-12)
    entry.right(r"$\mathbb E[2\mathbf y^T (R \odot X)\, \mathbf w]$")
    assert apart(mean_over_masks(lambda P: 2 * y @ P.T @ w, X, noise), right, 0.5)
    entry.printed(r"$\mathbb E[2\mathbf y^T (R \odot X)^T \mathbf w]$")
    entry.right("even then the value is in general different")


def test_gamma_of_problem_8(entry):
    X, _, _ = TALL
    here = np.diag(X.T @ X) ** 0.5
    same(here, theory.column_norms(X))
    entry.printed(r"$\Gamma = (\operatorname{diag}(X^\top X))^{1/2}$")
    entry.right(r"problem 4 calls $\check\Gamma$")
    same(theory.gamma(X, noise=NOISE) / here, np.sqrt((1 - KEEP) / KEEP))
    entry.right(r"$\sqrt{\frac{1-p}{p}}$ times as large")


# ------------------------------------------------------------------------------ problem 9


def test_one_deviation_in_the_plane(entry):
    covariance = [[2, 1], [1, 1]]
    centered = np.random.default_rng(0).multivariate_normal([0, 0], covariance, 200_000)
    distance = np.einsum("ni,ij,nj->n", centered, np.linalg.inv(covariance), centered) ** 0.5
    line = np.abs(centered[:, 0]) / np.sqrt(2)
    inside = [1 - np.exp(-(radius**2) / 2) for radius in (1, 2)]
    same([(distance <= radius).mean() for radius in (1, 2)], inside, atol=0.005)
    entry.printed(f"{1} and {2} stdev away from the mean")
    entry.right("{:.0%} and {:.0%} of the points".format(*inside))
    entry.right("not the {:.0%} and {:.0%}".format(*((line <= radius).mean() for radius in (1, 2))))
