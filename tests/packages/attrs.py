# attrs
import attr, attrs

@attrs.define(order=True)
class Point:
    x: int = attrs.field(validator=attrs.validators.instance_of(int))
    y: int = attrs.field(default=0, converter=int)

assert attrs.asdict(Point(1, "2")) == {"x": 1, "y": 2} and Point(1) < Point(2)
try: Point("a")
except TypeError: pass
else: raise AssertionError
assert attr.evolve(Point(1, 2), y=3) == Point(1, 3)
