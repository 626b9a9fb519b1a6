//! Pseudo-random choices that depend on a name only.

/// A generator seeded with a name.
pub struct Dice {
    seed: u64,
    state: u64,
}

impl Dice {
    /// The generator for this name.
    pub fn for_name(name: &str) -> Dice {
        // FNV-1a.
        let seed = name.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
        });
        Dice { seed, state: seed }
    }

    /// The seed.
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// A number below `end`, which must not be 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// One of the items.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn dice_fall_the_same_way_for_ever() {
        // Golden values: a product must keep its pot.
        let mut dice = Dice::for_name("Brown teddy bear");
        let throws: Vec<_> = (0..6).map(|_| dice.below(100)).collect();
        assert_eq!(throws, [25, 42, 98, 71, 82, 14]);
    }
}
