import numpy as np
import pytest

from fs_sclimbic.group.fit.f_tail import log_p_of_f, p_of_f


@pytest.mark.parametrize("f", [0.0, 1e-3, 1.0, 17.0, 1e3, 1e5, 1e9])
@pytest.mark.parametrize("dof2", [1, 2, 16, 5000, 99997])
def test_log_p_by_closed_form(f, dof2):
    # For two rows the upper tail of F is (1 + 2 F / dof2)^(-dof2 / 2).
    expected = -dof2 / 2 * np.log1p(2 * f / dof2)
    np.testing.assert_allclose(log_p_of_f(np.array([f]), 2, dof2), expected, rtol=1e-11, atol=1e-13)


def test_log_p_of_t_in_the_far_tail():
    # Two degrees of freedom: p = 1 - t / sqrt(t^2 + 2), about 1 / t^2.
    t = np.array([10.0, 1e3, 1e7, 1e150])
    exact = np.array([-np.log(t[0] ** 2 + 2 + t[0] * np.sqrt(t[0] ** 2 + 2)) + np.log(2), *(-2 * np.log(t[1:]))])
    np.testing.assert_allclose(log_p_of_f(t**2, 1, 2), exact, rtol=1e-6)
    # One row with many subjects, where p is far below the smallest float: the bound of Mills' ratio.
    z = 100.0
    normal = -(z**2) / 2 - np.log(z) - np.log(2 * np.pi) / 2 + np.log(2)
    assert log_p_of_f(np.array([z**2]), 1, 10**10)[0] == pytest.approx(normal, rel=1e-4)


@pytest.mark.parametrize("dof", [(1, 16), (3, 40), (5, 9000)])
def test_the_two_ways_to_p_meet(dof):
    f = np.geomspace(1e-3, 1e4, 400)
    p, logarithm = p_of_f(f, *dof), log_p_of_f(f, *dof)
    direct = p > 1e-300
    np.testing.assert_allclose(logarithm[direct], np.log(p[direct]), rtol=1e-12)
    assert (np.diff(logarithm) < 0).all()
