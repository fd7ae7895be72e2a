//! A benchmark by the clock, which counts no time for anything but the proven answer.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::work::Work;

/// A benchmark that was done once, and whose answer was proven.
pub struct Timed {
    work: Box<dyn Work>,
    /// The SHA-256 of the proven answer.
    proven: String,
}

impl Timed {
    /// Does a benchmark once, uncounted, and proves its answer.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn prove(mut work: Box<dyn Work>) -> Result<Timed> {
        work.run();
        work.prove()?;
        let proven = work.digest();
        Ok(Timed { work, proven })
    }

    /// Does it so many times, and returns how long its part has taken in all.
    ///
    /// What comes before each time and the look at each answer are outside of it.
    ///
    /// # Errors
    ///
    /// If an answer is not the one that was proven.
    pub fn time(&mut self, iterations: u64) -> Result<Duration> {
        let mut taken = Duration::ZERO;
        for _ in 0..iterations {
            self.work.again()?;
            let started = Instant::now();
            black_box(self.work.as_mut()).run();
            taken += started.elapsed();
            if self.work.digest() != self.proven {
                // It may be able to say more.
                self.work.prove().context("it went wrong after it had been proven")?;
                bail!("it made something else than before, from the same document");
            }
        }
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use anyhow::ensure;

    use super::*;

    /// Writes a word; from a certain time on another one.
    struct Writer {
        words: Vec<&'static str>,
        written: Option<&'static str>,
    }

    impl Writer {
        fn of(words: &[&'static str]) -> Box<Writer> {
            Box::new(Writer { words: words.iter().rev().copied().collect(), written: None })
        }
    }

    impl Work for Writer {
        fn run(&mut self) {
            thread::sleep(Duration::from_millis(2));
            self.written = self.words.pop().filter(|word| !word.is_empty());
        }

        fn prove(&self) -> Result<()> {
            ensure!(self.written.is_some(), "nothing was written");
            Ok(())
        }

        fn digest(&self) -> String {
            self.written.unwrap_or_default().to_owned()
        }

        fn again(&mut self) -> Result<()> {
            thread::sleep(Duration::from_millis(20));
            self.written = None;
            Ok(())
        }
    }

    #[test]
    fn an_answer_that_is_not_right_is_never_timed() {
        let error = Timed::prove(Writer::of(&[""])).err().unwrap();
        assert_eq!(error.to_string(), "nothing was written");
    }

    #[test]
    fn an_answer_that_changes_is_an_error_and_no_time() {
        let mut timed = Timed::prove(Writer::of(&["a", "a", "b"])).unwrap();
        timed.time(1).unwrap();
        let error = timed.time(1).unwrap_err();
        assert!(error.to_string().contains("something else"), "{error}");
    }

    #[test]
    fn work_that_stops_being_done_is_an_error_that_says_so() {
        let mut timed = Timed::prove(Writer::of(&["a", "a", ""])).unwrap();
        let error = timed.time(2).unwrap_err();
        assert_eq!(format!("{error:#}"), "it went wrong after it had been proven: nothing was written");
    }

    #[test]
    fn what_comes_before_and_after_is_not_in_the_time() {
        let mut timed = Timed::prove(Writer::of(&["a"; 4])).unwrap();
        let started = Instant::now();
        let taken = timed.time(3).unwrap();
        // It slept 3 × 20 ms outside of its part, whatever else the machine was doing.
        assert!(taken >= Duration::from_millis(6), "{taken:?}");
        assert!(started.elapsed() - taken >= Duration::from_millis(60), "{taken:?}");
    }
}
