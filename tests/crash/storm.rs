//! When to kill: how many times, and at which moments of the work.

use std::time::{Duration, Instant};

use kernel::Ids as _;
use testkit::SeededIds;

use super::place::{Done, Kind, Running};

/// Kinds of work that are killed, each on two databases: `import`, `merge`, `backup`, `migration`, `keys`.
/// Whoever adds one counts it here.
const WORKS: u32 = 5;
const STORMS: u32 = WORKS * 2;
/// Kills of all storms together in the test run.
const USUAL: u32 = 210;
/// The same in `make soak`.
const LONG: u32 = 1_000;
/// How often the work may be over before the kill, for each kill that lands.
const MISSES_PER_KILL: u32 = 4;

/// What the moments, the files and the order of the work are drawn from.
pub fn seed() -> u64 {
    number("CRASH_SEED").unwrap_or(1)
}

/// How many kills shall land in one storm.
pub fn kills() -> u32 {
    let usual = if std::env::var_os("GUANXI_SOAK").is_some() { LONG } else { USUAL };
    let all = number("CRASH_KILLS").map_or(usual, |all| u32::try_from(all).unwrap());
    all.div_ceil(STORMS).max(1)
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} must be a whole number, not {text}")))
}

/// Randomness that repeats.
pub struct Dice(SeededIds);

impl Dice {
    /// Those of the storm `name`, so that two storms do not kill at the same moments.
    pub fn of(name: &str, kind: Kind) -> Self {
        let name = format!("{name} {kind:?}");
        let salt = name.bytes().fold(seed(), |sum, byte| {
            sum.wrapping_mul(0x0100_0000_01b3).wrapping_add(u64::from(byte))
        });
        Self(SeededIds::new(salt))
    }

    /// A number below `limit`.
    pub fn below(&self, limit: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes) % limit.max(1)
    }
}

/// Moments spread over the length of a work: the length is cut into as many parts as there are kills,
/// and one moment is drawn from each part.
pub struct Storm {
    name: &'static str,
    kind: Kind,
    dice: Dice,
    length: Duration,
    wanted: u32,
    landed: u32,
    missed: u32,
}

impl Storm {
    /// Kills of a work that uses `length` of processor time when nobody kills it.
    pub fn over(name: &'static str, kind: Kind, length: Duration) -> Self {
        assert!(length > Duration::ZERO, "nothing was measured");
        let dice = Dice::of(name, kind);
        Self { name, kind, dice, length, wanted: kills(), landed: 0, missed: 0 }
    }

    pub const fn dice(&self) -> &Dice {
        &self.dice
    }

    /// How many kills landed so far.
    pub const fn landed(&self) -> u32 {
        self.landed
    }

    pub const fn is_over(&self) -> bool {
        self.landed >= self.wanted
    }

    /// Processor time after which to kill next.
    fn moment(&self) -> Duration {
        let part = self.length / self.wanted;
        let within = Duration::from_nanos(self.dice.below(part.as_nanos() as u64));
        // What was too late before is tried a little earlier.
        (part * self.landed + within) * MISSES_PER_KILL / (MISSES_PER_KILL + self.missed)
    }

    /// Kills `running` at the next moment after `from`. Gives how it ended if it was over before, as it
    /// also counts against the storm when that happens too often.
    pub fn strike(&mut self, running: Running, from: Duration) -> Result<(), Done> {
        let moment = from + self.moment();
        match kill_at(running, moment) {
            Ok(()) => {
                self.landed += 1;
                self.missed = 0;
                Ok(())
            }
            Err(done) => {
                self.missed += 1;
                assert!(
                    self.missed <= MISSES_PER_KILL * 10,
                    "{} on {:?}: the work is over before {moment:?} each time",
                    self.name,
                    self.kind
                );
                Err(done)
            }
        }
    }

    /// Says at the end what was done; how to repeat it stands in the README.
    pub fn report(&self) {
        assert_eq!(self.landed, self.wanted);
        eprintln!(
            "{} on {:?}: {} kills over {:?} of work, CRASH_SEED={}",
            self.name,
            self.kind,
            self.landed,
            self.length,
            seed()
        );
    }
}

/// SIGKILL as soon as `running` has used `moment` of processor time; how it ended if that was before.
fn kill_at(mut running: Running, moment: Duration) -> Result<(), Done> {
    const PATIENCE: Duration = Duration::from_secs(120);
    let begun = Instant::now();
    loop {
        if running.has_ended() {
            return Err(running.finish());
        }
        if running.worked_finely() >= moment {
            running.kill();
            return Ok(());
        }
        assert!(begun.elapsed() < PATIENCE, "it neither works nor ends: {:?}", running.said());
        std::thread::yield_now();
    }
}
