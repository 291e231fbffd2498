//! `factor`: prime factors of numbers of any size. It stands on num-bigint; numbers of up to 128 bits are taken apart
//! in Montgomery's form (Pollard's method as Brent has it, primes by Miller and Rabin).

use num_bigint::BigUint;

use crate::{Command, Done, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "factor",
    usage: &["[NUMBER]...", "OPTION"],
    about: "Print the prime factors of each specified integer NUMBER.  If none\n\
            are specified on the command line, read them from standard input.",
    options: &[],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// Primes below this are divided out first.
const SMALL: u32 = 5000;

async fn run(t: &mut Tool) -> Done {
    let mut options = t.options();
    while options.next()?.is_some() {}
    let operands = options.operands();
    let primes = small_primes();
    if !operands.is_empty() {
        for operand in &operands {
            show(t, &primes, operand).await?;
        }
        return Ok(());
    }
    let mut input = match t.ctx.stdin() {
        Ok(input) => input,
        Err(error) => return t.error(format!("error reading input: {}", error.strerror())).await,
    };
    let mut token = Vec::new();
    loop {
        let block = match input.fill().await {
            Ok(block) => block,
            Err(error) => return t.error(format!("error reading input: {}", error.strerror())).await,
        };
        let count = block.len();
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n');
        match block.iter().position(blank) {
            Some(at) => {
                token.extend_from_slice(block.get(..at).unwrap_or_default());
                input.consume(at + 1);
            }
            None => {
                token.extend_from_slice(block);
                input.consume(count);
                if count > 0 {
                    continue;
                }
            }
        }
        if !token.is_empty() {
            // A NUL ends the text of a number, as it does in C.
            let end = token.iter().position(|byte| *byte == 0).unwrap_or(token.len());
            token.truncate(end);
            show(t, &primes, &token).await?;
            token.clear();
        }
        if count == 0 {
            return Ok(());
        }
    }
}

async fn show(t: &mut Tool, primes: &[u32], text: &[u8]) -> Done {
    let start = text.iter().take_while(|byte| **byte == b' ').count();
    let digits = text.get(start..).unwrap_or_default();
    let digits = digits.strip_prefix(b"+").unwrap_or(digits);
    let number = if digits.iter().all(u8::is_ascii_digit) { BigUint::parse_bytes(digits, 10) } else { None };
    let Some(number) = number else {
        // As in GNU, results are written in blocks: what is wrong is told before those that are still to be written.
        let message = format!("{}: {} is not a valid positive integer\n", t.name, t.quote(text));
        t.err.put(message.as_bytes());
        t.status = 1;
        // Nobody is left to tell when this fails.
        let _ = t.err.flush().await;
        return Ok(());
    };
    t.out.put(format!("{number}:").as_bytes());
    for factor in factors(t, primes, number).await {
        t.out.put(format!(" {factor}").as_bytes());
    }
    t.out.put(b"\n");
    t.out.drain().await?;
    Ok(())
}

fn small_primes() -> Vec<u32> {
    let mut composite = vec![false; SMALL as usize];
    let mut primes = Vec::new();
    for number in 2..SMALL {
        if composite.get(number as usize).copied().unwrap_or(true) {
            continue;
        }
        primes.push(number);
        for multiple in (number * number..SMALL).step_by(number as usize) {
            if let Some(place) = composite.get_mut(multiple as usize) {
                *place = true;
            }
        }
    }
    primes
}

/// The prime factors, smallest first.
async fn factors(t: &Tool, primes: &[u32], mut number: BigUint) -> Vec<BigUint> {
    let mut found = Vec::new();
    let mut small = u64::try_from(&number).ok();
    if small == Some(0) {
        return found;
    }
    for &prime in primes {
        let prime_64 = u64::from(prime);
        if let Some(value) = &mut small {
            while value.is_multiple_of(prime_64) {
                *value /= prime_64;
                found.push(prime.into());
            }
            if *value < prime_64 * prime_64 {
                if *value > 1 {
                    found.push((*value).into());
                }
                return found;
            }
        } else {
            while (&number % prime) == BigUint::ZERO {
                number /= prime;
                found.push(prime.into());
            }
            small = u64::try_from(&number).ok();
            t.ctx.tick().await;
        }
    }
    let mut parts = vec![small.map_or(number, BigUint::from)];
    while let Some(part) = parts.pop() {
        if part.bits() < 2 {
            continue;
        }
        if is_prime(t, primes, &part).await {
            found.push(part);
            continue;
        }
        let divisor = divisor(t, &part).await;
        parts.push(&part / &divisor);
        parts.push(divisor);
    }
    found.sort_unstable();
    found
}

/// Miller and Rabin's test with the first primes: proof for all numbers below 3.3·10²⁴, beyond a false prime is less
/// likely than a fault of the machine.
async fn is_prime(t: &Tool, primes: &[u32], number: &BigUint) -> bool {
    let one = BigUint::from(1_u32);
    let less = number - &one;
    let twos = less.trailing_zeros().unwrap_or(0);
    let odd = &less >> twos;
    let bases = if number.bits() <= 64 { 12 } else { 40 };
    'bases: for &base in primes.iter().take(bases) {
        t.ctx.tick().await;
        let mut power = BigUint::from(base).modpow(&odd, number);
        if power == one || power == less {
            continue;
        }
        for _ in 1..twos {
            power = &power * &power % number;
            if power == less {
                continue 'bases;
            }
        }
        return false;
    }
    true
}

/// A divisor of an odd composite number, neither 1 nor the number.
async fn divisor(t: &Tool, number: &BigUint) -> BigUint {
    if let Ok(value) = u64::try_from(number) {
        return split(t, &Narrow::new(value)).await.into();
    }
    match u128::try_from(number) {
        Ok(value) => split(t, &Wide::new(value)).await.into(),
        Err(_) => split(t, &Large(number.clone())).await,
    }
}

/// Numbers modulo one that is to be taken apart.
trait Ring {
    type Element: Clone + PartialEq + From<u32> + Ord;
    fn modulus(&self) -> &Self::Element;
    fn multiply(&self, a: &Self::Element, b: &Self::Element) -> Self::Element;
    fn add(&self, a: &Self::Element, b: &Self::Element) -> Self::Element;
    fn distance(&self, a: &Self::Element, b: &Self::Element) -> Self::Element;
    /// The greatest common divisor with the modulus.
    fn common(&self, a: &Self::Element) -> Self::Element;
}

/// Pollard's rho with Brent's search for the cycle; differences are multiplied before a common divisor is looked for.
async fn split<R: Ring>(t: &Tool, ring: &R) -> R::Element {
    const BATCH: u64 = 128;
    let one = R::Element::from(1);
    let mut constant = 1_u32;
    loop {
        let shift = R::Element::from(constant);
        let step = |value: &R::Element| ring.add(&ring.multiply(value, value), &shift);
        let (mut moving, mut product) = (R::Element::from(2), one.clone());
        let (mut length, mut found) = (1_u64, one.clone());
        let (mut fixed, mut before) = (moving.clone(), moving.clone());
        while found == one {
            fixed = moving.clone();
            for index in 0..length {
                moving = step(&moving);
                if index % BATCH == 0 {
                    t.ctx.tick().await;
                }
            }
            let mut done = 0;
            while done < length && found == one {
                before = moving.clone();
                for _ in 0..BATCH.min(length - done) {
                    moving = step(&moving);
                    product = ring.multiply(&product, &ring.distance(&fixed, &moving));
                }
                found = ring.common(&product);
                done += BATCH;
                t.ctx.tick().await;
            }
            length *= 2;
        }
        if found == *ring.modulus() {
            // More than one factor in one batch: its steps singly.
            loop {
                before = step(&before);
                found = ring.common(&ring.distance(&fixed, &before));
                if found != one {
                    break;
                }
            }
        }
        if found != *ring.modulus() {
            return found;
        }
        constant += 1;
    }
}

macro_rules! ring_of_words {
    ($name:ident, $word:ty, $wide:expr) => {
        struct $name {
            modulus: $word,
            /// What makes the low word vanish: the negative inverse of the modulus.
            inverse: $word,
        }

        impl $name {
            fn new(modulus: $word) -> $name {
                let mut inverse = modulus;
                // Each round doubles the bits that are right.
                for _ in 0..6 {
                    let wrong = modulus.wrapping_mul(inverse);
                    inverse = inverse.wrapping_mul((2 as $word).wrapping_sub(wrong));
                }
                $name { modulus, inverse: inverse.wrapping_neg() }
            }
        }

        impl Ring for $name {
            type Element = $word;

            fn modulus(&self) -> &$word {
                &self.modulus
            }

            fn multiply(&self, a: &$word, b: &$word) -> $word {
                let (high, low) = $wide(*a, *b);
                let (more, _) = $wide(low.wrapping_mul(self.inverse), self.modulus);
                // The low words cancel each other, with a carry unless both are nothing.
                let more = more + <$word>::from(low != 0);
                let (sum, over) = high.overflowing_add(more);
                if over || sum >= self.modulus { sum.wrapping_sub(self.modulus) } else { sum }
            }

            fn add(&self, a: &$word, b: &$word) -> $word {
                let (sum, over) = a.overflowing_add(*b);
                if over || sum >= self.modulus { sum.wrapping_sub(self.modulus) } else { sum }
            }

            fn distance(&self, a: &$word, b: &$word) -> $word {
                a.abs_diff(*b)
            }

            fn common(&self, a: &$word) -> $word {
                let (mut a, mut b) = (*a, self.modulus);
                if a == 0 {
                    return b;
                }
                a >>= a.trailing_zeros();
                // The modulus is odd: powers of two are in no common divisor.
                while a != b {
                    let less = a.min(b);
                    let rest = a.abs_diff(b);
                    (a, b) = (rest >> rest.trailing_zeros(), less);
                }
                a
            }
        }
    };
}

ring_of_words!(Narrow, u64, |a: u64, b: u64| {
    let product = u128::from(a) * u128::from(b);
    ((product >> 64) as u64, product as u64)
});

ring_of_words!(Wide, u128, wide_product);

/// The high and the low half of a product.
fn wide_product(a: u128, b: u128) -> (u128, u128) {
    const LOW: u128 = u64::MAX as u128;
    let (a_high, a_low, b_high, b_low) = (a >> 64, a & LOW, b >> 64, b & LOW);
    let low = a_low * b_low;
    let middle = a_high * b_low + (low >> 64);
    let other = a_low * b_high + (middle & LOW);
    (a_high * b_high + (middle >> 64) + (other >> 64), other << 64 | low & LOW)
}

struct Large(BigUint);

impl Ring for Large {
    type Element = BigUint;

    fn modulus(&self) -> &BigUint {
        &self.0
    }

    fn multiply(&self, a: &BigUint, b: &BigUint) -> BigUint {
        a * b % &self.0
    }

    fn add(&self, a: &BigUint, b: &BigUint) -> BigUint {
        (a + b) % &self.0
    }

    fn distance(&self, a: &BigUint, b: &BigUint) -> BigUint {
        if a > b { a - b } else { b - a }
    }

    fn common(&self, a: &BigUint) -> BigUint {
        let (mut a, mut b) = (a.clone(), self.0.clone());
        while a != BigUint::ZERO {
            (a, b) = (b % &a, a);
        }
        b
    }
}
