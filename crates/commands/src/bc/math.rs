//! The functions of `bc -l`: series, whose scales on the way are those that give the digits of GNU bc.

use wasmsh_os::Ctx;

use crate::decimal::Number;

fn two() -> Number {
    Number::from(2)
}

/// A quotient by what is not zero.
fn over(a: &Number, b: &Number, scale: usize) -> Number {
    a.divide(b, scale).unwrap_or_default()
}

/// A part of the scale, as bc computes `scale * times`, cut off.
fn tenths(scale: usize, times: usize) -> usize {
    scale * times / 10
}

fn is_above(a: &Number, b: &Number) -> bool {
    a.compare(b).is_gt()
}

/// e to the power of x, by halving x until the series converges fast.
pub(super) async fn e(ctx: &Ctx, x: &Number, scale: usize) -> Number {
    let negative = x.is_negative();
    let mut x = if negative { x.negate() } else { x.clone() };
    // As many more digits as the result has before its point.
    let extra = Number::parse(b".44", 10).multiply(&x, 2.max(x.scale()));
    let work = (6 + scale) as i64 + extra.to_integer().unwrap_or(0);
    let work = usize::try_from(work).unwrap_or(scale);
    let one = Number::from(1);
    let mut halving = x.scale() + 1;
    let mut halved = 0;
    while is_above(&x, &one) {
        halved += 1;
        x = over(&x, &two(), halving);
        halving += 1;
    }
    let mut value = one.add(&x);
    let (mut power, mut factorial) = (x.clone(), one.clone());
    for i in 2.. {
        ctx.ticks(1 + (work / 64) as u32).await;
        power = power.multiply(&x, work);
        factorial = factorial.multiply(&Number::from(i), work);
        let term = over(&power, &factorial, work);
        if term.is_zero() {
            break;
        }
        value = value.add(&term);
    }
    for _ in 0..halved {
        ctx.ticks(1 + (work / 64) as u32).await;
        value = value.multiply(&value, work);
    }
    if negative { over(&one, &value, scale) } else { over(&value, &one, scale) }
}

/// The natural logarithm, by roots until x is near 1.
pub(super) async fn l(ctx: &Ctx, x: &Number, scale: usize) -> Number {
    let one = Number::from(1);
    if x.is_negative() || x.is_zero() {
        let large = Number::from(10).raise(scale as i64, 0).ok().flatten().unwrap_or_default();
        return over(&one.subtract(&large), &one, scale);
    }
    let work = scale + 6;
    let mut x = x.clone();
    let mut factor = two();
    let half = Number::parse(b".5", 10);
    while !x.compare(&two()).is_lt() {
        ctx.ticks(1 + (work / 64) as u32).await;
        factor = factor.multiply(&two(), work);
        x = x.root(work).unwrap_or_default();
    }
    while !is_above(&x, &half) {
        ctx.ticks(1 + (work / 64) as u32).await;
        factor = factor.multiply(&two(), work);
        x = x.root(work).unwrap_or_default();
    }
    let mut power = over(&x.subtract(&one), &x.add(&one), work);
    let mut value = power.clone();
    let square = power.multiply(&power, work);
    for i in 1_i64.. {
        ctx.ticks(1 + (work / 64) as u32).await;
        power = power.multiply(&square, work);
        let term = over(&power, &Number::from(2 * i + 1), work);
        if term.is_zero() {
            break;
        }
        value = value.add(&term);
    }
    over(&factor.multiply(&value, work), &one, scale)
}

/// The sine, of x less a multiple of pi.
pub(super) async fn s(ctx: &Ctx, x: &Number, scale: usize) -> Number {
    let work = tenths(scale, 11) + 2;
    let quarter = a(ctx, &Number::from(1), work).await;
    let negative = x.is_negative();
    let mut x = if negative { x.negate() } else { x.clone() };
    let count = over(&over(&x, &quarter, 0).add(&two()), &Number::from(4), 0);
    let turns = Number::from(4).multiply(&count, 0).multiply(&quarter, 0);
    x = x.subtract(&turns);
    let odd = count.divide_with_rest(&two(), 0).is_some_and(|(_, rest)| !rest.is_zero());
    if odd {
        x = x.negate();
    }
    let work = scale + 2;
    let mut value = x.clone();
    let mut term = x.clone();
    let square = x.negate().multiply(&x, work);
    for i in 1_i64.. {
        ctx.ticks(1 + (work / 64) as u32).await;
        let place = 2 * i + 1;
        let factor = over(&square, &Number::from(place.saturating_mul(place - 1)), work);
        term = term.multiply(&factor, work);
        if term.is_zero() {
            break;
        }
        value = value.add(&term);
    }
    let value = if negative { value.negate() } else { value };
    over(&value, &Number::from(1), scale)
}

/// The cosine, which is the sine a quarter of a turn on.
pub(super) async fn c(ctx: &Ctx, x: &Number, scale: usize) -> Number {
    let work = tenths(scale, 12);
    let quarter = a(ctx, &Number::from(1), work).await.multiply(&two(), work);
    let value = s(ctx, &x.add(&quarter), work).await;
    over(&value, &Number::from(1), scale)
}

/// Constants that are known to so many digits: the arc tangents of 1 and of .2.
const KNOWN: [(&str, &[u8]); 2] = [
    ("1", b".785398163397448309615660845819875721049292349843776455243736"),
    (".2", b".197395559849880758370049765194790293447585103787852101517688"),
];

/// How many of their digits count up to which scale.
const KNOWN_DIGITS: [(usize, usize); 3] = [(25, 25), (40, 40), (60, 60)];

fn known(x: &Number, scale: usize) -> Option<Number> {
    let (_, digits) =
        KNOWN.iter().find(|(name, _)| x.compare(&Number::parse(name.as_bytes(), 10)).is_eq())?;
    let (_, count) = KNOWN_DIGITS.iter().find(|(most, _)| scale <= *most)?;
    Some(Number::parse(digits, 10).with_scale(*count))
}

/// The arc tangent: atan(x) = atan(.2) + atan((x - .2) / (1 + .2 x)), until x is small.
pub(super) async fn a(ctx: &Ctx, x: &Number, scale: usize) -> Number {
    let negative = x.is_negative();
    let mut x = if negative { x.negate() } else { x.clone() };
    let sign = Number::from(if negative { -1 } else { 1 });
    if let Some(value) = known(&x, scale) {
        return over(&value, &sign, scale);
    }
    let fifth = Number::parse(b".2", 10);
    let one = Number::from(1);
    let mut step = Number::zero();
    if is_above(&x, &fifth) {
        step = match known(&fifth, scale + 5) {
            Some(value) => over(&value, &one, scale + 5),
            None => series_of_arc(ctx, &fifth, scale + 5).await,
        };
    }
    let work = scale + 3;
    let mut count = 0;
    while is_above(&x, &fifth) {
        ctx.ticks(1 + (work / 64) as u32).await;
        count += 1;
        let below = one.add(&x.multiply(&fifth, work));
        x = over(&x.subtract(&fifth), &below, work);
    }
    let value = arc_terms(ctx, &x, work).await;
    let whole = Number::from(count).multiply(&step, scale).add(&value);
    over(&whole, &sign, scale)
}

/// The arc tangent of a number that is small already.
async fn series_of_arc(ctx: &Ctx, x: &Number, scale: usize) -> Number {
    over(&arc_terms(ctx, x, scale + 3).await, &Number::from(1), scale)
}

async fn arc_terms(ctx: &Ctx, x: &Number, work: usize) -> Number {
    let mut value = x.clone();
    let mut power = x.clone();
    let square = x.negate().multiply(x, work);
    for i in 1_i64.. {
        ctx.ticks(1 + (work / 64) as u32).await;
        power = power.multiply(&square, work);
        let term = over(&power, &Number::from(2 * i + 1), work);
        if term.is_zero() {
            break;
        }
        value = value.add(&term);
    }
    value
}

/// The Bessel function of integer order.
pub(super) async fn j(ctx: &Ctx, n: &Number, x: &Number, scale: usize) -> Number {
    let mut order = n.to_integer().unwrap_or(0);
    let mut negative = false;
    if order < 0 {
        order = order.saturating_neg();
        negative = order % 2 == 1;
    }
    let mut factorial = Number::from(1);
    for i in 2..=order {
        ctx.tick().await;
        factorial = factorial.multiply(&Number::from(i), 0);
    }
    let work = scale * 3 / 2;
    let power = |base: &Number| base.raise(order, work).ok().flatten().unwrap_or_default();
    let factor = over(&over(&power(x), &power(&two()), work), &factorial, work);
    let square = over(&x.negate().multiply(x, work), &Number::from(4), work);
    let work = (work + factor.length()).saturating_sub(factor.scale());
    let mut value = Number::from(1);
    let mut term = Number::from(1);
    for i in 1_i64.. {
        ctx.ticks(1 + (work / 64) as u32).await;
        term = over(
            &over(&term.multiply(&square, work), &Number::from(i), work),
            &Number::from(order.saturating_add(i)),
            work,
        );
        if term.is_zero() {
            break;
        }
        value = value.add(&term);
    }
    let product = factor.multiply(&value, scale);
    let product = if negative { product.negate() } else { product };
    over(&product, &Number::from(1), scale)
}
