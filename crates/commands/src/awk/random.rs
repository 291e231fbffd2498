//! The numbers of `rand`: the additive feedback generator of BSD's `random(3)` with 63 words of state, as gawk has it.

const DEGREE: usize = 63;
const SEPARATION: usize = 1;

pub(super) struct Random {
    state: [u32; DEGREE],
    front: usize,
    rear: usize,
}

impl Random {
    pub(super) fn new(seed: u32) -> Random {
        let mut state = [0; DEGREE];
        let mut word = i64::from(if seed == 0 { 1 } else { seed } as i32);
        for (index, place) in state.iter_mut().enumerate() {
            if index > 0 {
                // 16807 x mod 2^31 - 1, without overflow (Park and Miller).
                word = 16_807 * (word % 127_773) - 2836 * (word / 127_773);
                if word <= 0 {
                    word += 0x7fff_ffff;
                }
            }
            *place = word as u32;
        }
        let mut random = Random { state, front: SEPARATION, rear: 0 };
        for _ in 0..10 * DEGREE {
            random.word();
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

    /// A number from 0 on, below 1.
    pub(super) fn number(&mut self) -> f64 {
        const DIVISOR: f64 = 2_147_483_648.0;
        loop {
            let low = f64::from(self.word());
            let high = f64::from(self.word());
            let value = 0.5 + (low / DIVISOR + high) / DIVISOR - 0.5;
            if value < 1.0 {
                return value;
            }
        }
    }
}
