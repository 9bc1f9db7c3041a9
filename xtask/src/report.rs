//! Runs the steps of the test command, counts tests, and ends with one line.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, bail};

/// The steps so far.
#[derive(Default)]
pub(crate) struct Report {
    passed: u64,
    failed: u64,
}

impl Report {
    /// A step that passes or fails as a whole; counted as one.
    pub(crate) fn step(&mut self, name: &str, command: &mut Command) -> anyhow::Result<()> {
        let begin = announce(name);
        let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
        if status.success() {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
        conclude(name, begin, status.success());
        Ok(())
    }

    /// A step of `cargo test`, whose tests are counted one by one.
    pub(crate) fn tests(&mut self, name: &str, command: &mut Command) -> anyhow::Result<()> {
        let begin = announce(name);
        let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot run {command:?}"))?;
        let output = child.stdout.take().context("standard output is piped")?;
        let (mut passed, mut failed) = (0, 0);
        for line in BufReader::new(output).lines() {
            let line = line.context("reading the tests' output")?;
            if let Some((ok, bad)) = counts(&line) {
                passed += ok;
                failed += bad;
            }
            println!("{line}");
        }
        let success = child.wait().context("waiting for the tests")?.success();
        if !success && failed == 0 {
            // It did not compile, or a test binary died.
            failed = 1;
        }
        self.passed += passed;
        self.failed += failed;
        conclude(name, begin, success);
        Ok(())
    }

    /// A part that prepares something first. That it cannot be prepared is one failure, and what was counted before still counts.
    pub(crate) fn attempt(&mut self, name: &str, part: impl FnOnce(&mut Self) -> anyhow::Result<()>) {
        if let Err(error) = part(self) {
            eprintln!("== {name}: FAILED: {error:#}");
            self.failed += 1;
        }
    }

    /// Prints the closing line; an error when anything failed.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        println!("{} passed, {} failed", self.passed, self.failed);
        if self.failed > 0 {
            bail!("the tests did not pass");
        }
        Ok(())
    }
}

fn announce(name: &str) -> Instant {
    eprintln!("== {name}");
    Instant::now()
}

fn conclude(name: &str, begin: Instant, success: bool) {
    eprintln!("== {name}: {} after {} s", if success { "ok" } else { "FAILED" }, begin.elapsed().as_secs());
}

/// Passed and failed tests of a line `test result: ok. 9 passed; 0 failed; ...`.
fn counts(line: &str) -> Option<(u64, u64)> {
    let rest = line.split_once("test result: ")?.1.split_once(". ")?.1;
    let mut numbers = rest.split("; ").map(|part| part.split_once(' ').and_then(|(number, _)| number.parse().ok()));
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    #[test]
    fn tests_are_counted_from_the_result_line() {
        let line = "test result: FAILED. 9 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        assert_eq!(super::counts(line), Some((9, 2)));
        assert_eq!(super::counts("test ids::tests ... ok"), None);
    }
}
