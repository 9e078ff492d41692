"""What the chapter on multiplicative noise says, computed again."""

from __future__ import annotations

import numpy as np
import pytest

from hwlib import theory
from hwlib.explore import NoiseTikhonov
from tests.book.labs import cell

SAMPLERS = {  # mean 1, variance 1
    "Bernoulli": lambda rng, shape: 2.0 * rng.integers(0, 2, shape),
    "three values": lambda rng, shape: rng.choice([-1.0, 1, 3], shape, p=[1 / 8, 3 / 4, 1 / 8]),
    "Gaussian": lambda rng, shape: rng.normal(1, 1, shape),
    "exponential": lambda rng, shape: rng.exponential(1, shape),
}


@pytest.fixture
def problem():
    rng = np.random.default_rng(5)
    return rng.standard_normal((4, 3)), rng.standard_normal(4), rng.standard_normal(3)


def loss(X, y, w, *, fit=1.0, penalty):
    """Data fit of fit · X w, plus wᵀ penalty w."""
    return np.sum((y - fit * X @ w) ** 2) + w @ penalty @ w


def agree(drawn, expected):
    """The mean of a sample is within four standard errors."""
    assert drawn.mean() == pytest.approx(expected, abs=4 * drawn.std() / np.sqrt(len(drawn)))


def page(*beginnings):
    """The namespace of the chapter's cells that hold these words."""
    found = {"np": np, "theory": theory}
    for words in beginnings:
        exec(cell("multiplicative_noise", words), found)
    return found


# ------------------------------------------------------------------------------------ the two moments


@pytest.mark.parametrize("kind", SAMPLERS)
def test_only_two_moments_enter_the_expected_loss(kind, problem):
    X, y, w = problem
    noise = SAMPLERS[kind](np.random.default_rng(1), (200_000, *X.shape))
    assert noise.mean() == pytest.approx(1, abs=0.01)
    assert noise.var() == pytest.approx(1, abs=0.02)
    expected = theory.expected_loss(X, y, w, noise=theory.gaussian(mean=1, std=1))
    agree(((y - (noise * X) @ w) ** 2).sum(axis=1), expected)


def test_rows_may_share_their_noise_and_entries_may_depend(problem):
    """Uncorrelated within a row is enough: one mask per feature, and signs whose product is 1."""
    X, y, w = problem
    rng = np.random.default_rng(2)
    expected = theory.expected_loss(X, y, w, noise=theory.gaussian(mean=1, std=1))
    per_feature = 2.0 * rng.integers(0, 2, (200_000, 1, 3))
    agree(((y - (per_feature * X) @ w) ** 2).sum(axis=1), expected)
    signs = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])  # of four masks
    exact = ((y[:, None] - (X * w) @ (1 + signs).T) ** 2).mean(axis=1).sum()
    assert exact == pytest.approx(expected)


def test_noise_of_infinite_variance_has_no_expected_loss():
    heavy = 1 / np.sqrt(np.random.default_rng(3).random(1_000_000))  # E R = 2, E R² infinite
    parts = np.array([(1 - part) ** 2 for part in np.split(heavy, 100)]).mean(axis=1)
    assert parts.max() > 3 * np.median(parts)


def test_sgd_runs_agree_in_the_mean_and_differ_in_scatter():
    cells = page("X = np.array([[2.0", "samplers = {", "def sgd(")
    least = theory.minimizer(cells["X"], cells["y"], noise=theory.gaussian(mean=1, std=1))
    scatter = {}
    for kind, sample in SAMPLERS.items():
        ends = cells["sgd"](sample, runs=1_000)
        scatter[kind] = ends.std(axis=0)
        assert (abs(ends.mean(axis=0) - least) < 4 * scatter[kind] / np.sqrt(1_000)).all()
        faster = cells["sgd"](sample, runs=1_000, rate=0.01)
        assert (abs(faster).max() > 10) == (kind == "exponential")
    assert (scatter["exponential"] > 1.5 * scatter["Bernoulli"]).all()


# ------------------------------------------------------------------------------------ the figures


@pytest.mark.parametrize("mean", [1, 0.5])
def test_figure_1_the_minimum_moves_to_the_origin(mean):
    X, y = NoiseTikhonov().X, NoiseTikhonov().y
    path = [
        theory.minimizer(X, y, noise=theory.gaussian(mean=mean, std=s))
        for s in (0, 0.3, 1, 3, 1000)
    ]
    np.testing.assert_allclose(path[0], theory.ridge(X, y, penalty=0) / mean)
    norms = np.linalg.norm(path, axis=1)
    assert (np.diff(norms) < 0).all()
    assert norms[-1] < 1e-5
    turns = np.degrees(np.arctan2(*np.array(path).T[::-1]))
    assert 0.1 < np.ptp(turns) < 5  # a line that is not quite straight


@pytest.mark.parametrize(
    ("settings", "minimum", "least"),
    [
        (dict(mu=1, sigma=0), (0.659, 1.604), None),
        (dict(mu=1, sigma=2), (0.169, 0.380), None),
        (dict(mu=0, sigma=0.01), (0, 0), 14),
        (dict(mu=0, sigma=2), (0, 0), 14),
        (dict(mu=1, sigma=0.6), (0.525, 1.239), 3.08),
        (dict(mu=0.5, sigma=0.3), (1.05, 2.478), 3.08),
        (dict(mu=0.01, noise="dropout"), (0.897, 1.995), None),
        (dict(mu=1, noise="dropout"), (0.659, 1.604), None),
    ],
)
def test_figure_2_at_both_ends_of_its_sliders(settings, minimum, least):
    figure = NoiseTikhonov(**settings)
    np.testing.assert_allclose(figure.minimum, minimum, atol=0.00051)
    if least is not None:
        assert figure.loss == pytest.approx(least, abs=0.005)


# ------------------------------------------------------------------------- other noise, other losses


def test_penalties_of_added_shared_and_correlated_noise(problem):
    X, y, w = problem
    rng, n, d, sigma = np.random.default_rng(4), 4, 3, 0.7
    root = rng.standard_normal((d, d))
    gram = X.T @ X
    normal = rng.standard_normal((200_000, n, d))
    for data, penalty in [
        (X + sigma * normal, n * sigma**2 * np.eye(d)),
        (X + normal @ root / np.sqrt(n), root.T @ root),
        (X * (1 + sigma * normal[:, :, :1]), sigma**2 * gram),
        (X * (1 + normal @ root), (root.T @ root) * gram),
        (X * (1 + sigma * normal), sigma**2 * np.diag(np.diag(gram))),
    ]:
        agree(((y - data @ w) ** 2).sum(axis=1), loss(X, y, w, penalty=penalty))


def test_the_units_cancel_and_the_zero_point_does_not(problem):
    X, y, _ = problem
    noise = theory.gaussian(mean=1, std=0.5)
    scaled = X * [1000, 1, 0.1]
    before, after = (data @ theory.minimizer(data, y, noise=noise) for data in (X, scaled))
    np.testing.assert_allclose(after, before)
    mean, std = X.mean(axis=0), X.std(axis=0)
    np.testing.assert_allclose(
        theory.column_norms(X) ** 2 / std**2, 4 * (1 + mean**2 / std**2), rtol=1e-12
    )
    z = (X - mean) / std  # there, noise that multiplies is ridge regression
    ridge = theory.ridge(z, y, penalty=4 * 0.5**2)
    np.testing.assert_allclose(theory.minimizer(z, y, noise=noise), ridge)


@pytest.mark.slow
def test_figure_3_on_other_data_sets():
    error = page("def test_error(")["test_error"]
    sigmas = np.geomspace(0.05, 3, 13)
    centered, shifted = (
        np.array([[error(shift, s, seed) for s in sigmas] for seed in range(100, 180)])
        for shift in (0, 5)
    )
    best = centered.mean(axis=0).min()
    assert 2 < centered.mean(axis=0)[0] < 2.6
    assert 1.4 < best < 1.65
    assert best + 0.05 < shifted.mean(axis=0).min() < 1.85


def test_weak_noise_has_a_taylor_formula_and_strong_noise_a_distribution():
    x, w = np.array([2.0, -1, 1]), np.array([1.0, 1, 1.5])

    def expected(std, values, chances):
        noise = theory.Noise(mean=1, variance=1, values=values, probabilities=chances)
        R, chance = noise.outcomes(3)
        return chance @ np.log1p(np.exp(-((1 + std * (R - 1)) * x) @ w))

    laws = ((0.0, 2.0), (0.5, 0.5)), ((-1.0, 1.0, 3.0), (0.125, 0.75, 0.125))
    P, variance = x @ w, np.sum((x * w) ** 2)
    clean, curvature = np.log1p(np.exp(-P)), np.exp(-P) / (1 + np.exp(-P)) ** 2
    for std, limit in ((0.1, 0.02), (0.01, 2e-4)):
        effects = [expected(std, *law) - clean for law in laws]
        np.testing.assert_allclose(effects, curvature / 2 * variance * std**2, rtol=limit)
    strong = [expected(1.0, *law) for law in laws]
    assert abs(strong[0] - strong[1]) > 0.004


def test_a_relu_network_outgrows_added_noise_only():
    rng = np.random.default_rng(6)
    x, into, out = (rng.standard_normal(shape) for shape in (5, (5, 20), 20))
    noise = rng.standard_normal((1_000, 20))
    found = []
    for c in (1, 100):
        hidden = np.maximum(x @ (c * into), 0)
        outputs = [(hidden + noise) @ out / c, hidden * (1 + noise) @ out / c]
        found.append([hidden @ out / c, *(output.std() for output in outputs)])
    np.testing.assert_allclose(found[1], np.divide(found[0], [1, 100, 1]))


# ------------------------------------------------------------------------------------ in PyTorch


def test_the_layer_is_off_in_evaluation_mode_and_draws_per_entry():
    import torch

    layer = page("class MultiplicativeNoise")["MultiplicativeNoise"](std=0.5)
    x = torch.ones(20_000, 3, dtype=torch.float64)
    assert (layer.eval()(x) == x).all()
    torch.manual_seed(1)
    factors = layer.train()(x).numpy()
    assert factors.mean() == pytest.approx(1, abs=0.01)
    np.testing.assert_allclose(np.cov(factors.T), 0.25 * np.eye(3), atol=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("layer", ["noise", "dropout"])
def test_training_behind_the_layer_finds_the_minimizer(layer):
    import torch

    cells = page("X = np.array([[2.0", "class MultiplicativeNoise", "def train_with(")
    layers = {"noise": cells["MultiplicativeNoise"](1.0), "dropout": torch.nn.Dropout(0.5)}
    runs = np.array([cells["train_with"](layers[layer], seed) for seed in range(30, 38)])
    least = theory.minimizer(cells["X"], cells["y"], noise=theory.gaussian(mean=1, std=1))
    assert abs(runs.mean(axis=0) - least).max() < 0.006
    assert runs.std(axis=0).max() < 0.01


@pytest.mark.parametrize(("optimizer", "same"), [("SGD", True), ("AdamW", False)])
def test_weight_decay_is_noise_on_standardized_features(optimizer, same):
    import torch

    rng = np.random.default_rng(7)
    z = rng.standard_normal((30, 2)) @ [[1, 0.5], [0, 1]]
    z = (z - z.mean(axis=0)) / z.std(axis=0)
    y = z @ [1.0, -2.0] + rng.standard_normal(30)
    w = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    steps = getattr(torch.optim, optimizer)([w], lr=0.05, weight_decay=2 * 0.5**2)
    for _ in range(1_000):
        loss = torch.nn.functional.mse_loss(torch.from_numpy(z) @ w, torch.from_numpy(y))
        steps.zero_grad()
        loss.backward()
        steps.step()
    least = theory.minimizer(z, y, noise=theory.gaussian(mean=1, std=0.5))
    gap = abs(w.detach().numpy() - least).max()
    assert gap < 1e-9 if same else gap > 0.01


# ------------------------------------------------------------------------------------ the mistakes


def test_what_the_pitfalls_cost(problem):
    X, y, w = problem
    gaussian = theory.gaussian
    clean = theory.expected_loss(X, y, w, noise=gaussian(mean=1, std=0))
    right, mixed_up = (
        theory.expected_loss(X, y, w, noise=gaussian(mean=1, std=s)) - clean for s in (0.5, 0.25)
    )
    assert right == pytest.approx(4 * mixed_up)
    double = theory.minimizer(X, y, noise=gaussian(mean=2, std=1))
    np.testing.assert_allclose(2 * double, theory.minimizer(X, y, noise=gaussian(mean=1, std=0.5)))
