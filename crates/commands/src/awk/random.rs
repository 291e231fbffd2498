//! The numbers of `rand`: the additive feedback generator of BSD's `random(3)` with 63 words of state, shuffled by
//! Bays and Durham's method with a table of 512, as gawk has it.

const DEGREE: usize = 63;
const SEPARATION: usize = 1;
const TABLE: usize = 512;

pub(super) struct Random {
    state: [u32; DEGREE],
    front: usize,
    rear: usize,
    table: Vec<u32>,
    last: u32,
}

impl Random {
    pub(super) fn new(seed: u32) -> Random {
        let mut state = [0; DEGREE];
        let mut word = i64::from(seed as i32);
        for (index, place) in state.iter_mut().enumerate() {
            if index > 0 {
                // 16807 x mod 2^31 - 1, without overflow (Park and Miller).
                if word == 0 {
                    word = 123_459_876;
                }
                word = 16_807 * (word % 127_773) - 2836 * (word / 127_773);
                if word < 0 {
                    word += 0x7fff_ffff;
                }
            }
            *place = word as u32;
        }
        let mut random = Random { state, front: SEPARATION, rear: 0, table: Vec::new(), last: 0 };
        random.table = (0..TABLE).map(|_| random.word()).collect();
        random.last = random.word();
        for _ in 0..10 * DEGREE {
            random.shuffled();
        }
        random
    }

    fn word(&mut self) -> u32 {
        let rear = self.state.get(self.rear).copied().unwrap_or(0);
        let mut value = 0;
        if let Some(front) = self.state.get_mut(self.front) {
            *front = front.wrapping_add(rear);
            value = *front >> 1;
        }
        self.front = (self.front + 1) % DEGREE;
        self.rear = (self.rear + 1) % DEGREE;
        value
    }

    /// The last number says which one of the table comes next.
    fn shuffled(&mut self) -> u32 {
        let next = self.word();
        if let Some(place) = self.table.get_mut(self.last as usize % TABLE) {
            self.last = std::mem::replace(place, next);
        }
        self.last
    }

    /// A number from 0 on, below 1.
    pub(super) fn number(&mut self) -> f64 {
        const DIVISOR: f64 = 2_147_483_648.0;
        loop {
            let low = f64::from(self.shuffled());
            let high = f64::from(self.shuffled());
            let value = 0.5 + (low / DIVISOR + high) / DIVISOR - 0.5;
            if value < 1.0 {
                return value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_gnu_awk() {
        let six = |seed| format!("{:.6}", Random::new(seed).number());
        assert_eq!(six(1), "0.924046");
        assert_eq!(six(2), "0.893104");
        assert_eq!(six(0), "0.855566");
        assert_eq!(six(-5_i32 as u32), "0.587490");
    }
}
