# sympy<1.13
# Newer ones import ctypes.
from sympy import Eq, Matrix, diff, expand, factor, integrate, limit, oo, pi, sin, solve, symbols
x, y = symbols("x y")
assert expand((x + y) ** 3) == x**3 + 3*x**2*y + 3*x*y**2 + y**3
assert integrate(sin(x), (x, 0, pi)) == 2 and diff(x**x, x).subs(x, 1) == 1
assert set(solve(Eq(x**2, 4), x)) == {-2, 2} and limit(sin(x) / x, x, 0) == 1
assert factor(x**2 - 1) == (x - 1) * (x + 1) and Matrix([[1, 2], [3, 4]]).det() == -2
assert str(pi.evalf(30)) == "3.14159265358979323846264338328"
