//! `chaos`: runs schedules on all cores, says what broke, and how to see it again.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chaos::planted::{self, Bug};
use chaos::{Invariant, Report, Schedule, Tally};

#[cfg(not(target_family = "wasm"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HELP: &str = "\
Runs a whole control desk in virtual time, once a seed, and says what broke.

Usage: cargo xtask chaos [OPTIONS]

  --schedules N   How many seeds to run, from --from on [20000]
  --hours N       Run for so long instead
  --from N        The first seed [1]
  --seed N        Run this seed alone, shrink what it shows and print what happens
  --keep A,B,…    With --seed: only these steps of its schedule, unshrunk
  --lines N       With --seed: how many lines of what happens are printed [30]
  --alone         With --seed: without the pages that only look on
  --threads N     How many seeds at a time [the number of cores]
  --floor N       An invariant put to the test less often than this counts as broken [1000 from 200000 schedules on]
  --bug NAME      Switch on this planted bug, in a build that has them
  --sensitivity   Switch on each of them alone, and print the seed that found it
  --within N      With --sensitivity: how many seeds one may take [10000]
  --small         Go through every small world within a bound, with up to three faults, instead of drawing seeds
  --speed         Measure events a second beside a bare loop, in this process
  --wasm FILE     Run the first seeds here and in this WebAssembly module, and compare their traces;
                  `cargo xtask chaos --wasm` builds the module first
  --json          Print one JSON object instead of a table
  --report FILE   Write the table to FILE, as docs/chaos.md has it
";

/// What is asked for.
struct Options {
    schedules: u64,
    hours: Option<f64>,
    from: u64,
    seed: Option<u64>,
    keep: Option<Vec<usize>>,
    alone: bool,
    lines: usize,
    threads: usize,
    floor: Option<u64>,
    bug: Option<String>,
    sensitivity: bool,
    within: u64,
    small: bool,
    speed: bool,
    wasm: Option<String>,
    json: bool,
    report: Option<String>,
}

impl Options {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let mut options = Self {
            schedules: 20_000,
            hours: None,
            from: 1,
            seed: None,
            keep: None,
            alone: false,
            lines: 30,
            threads,
            floor: None,
            bug: None,
            sensitivity: false,
            within: 10_000,
            small: false,
            speed: false,
            wasm: None,
            json: false,
            report: None,
        };
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{name} needs a value"));
            match name.as_str() {
                "--schedules" => options.schedules = number(&value()?)?,
                "--hours" => {
                    let text = value()?;
                    let hours = text.parse().map_err(|_| format!("{text:?} is not a number of hours"))?;
                    options.hours = Some(hours);
                }
                "--from" => options.from = number(&value()?)?,
                "--seed" => options.seed = Some(number(&value()?)?),
                "--keep" => {
                    let list = value()?;
                    let places = list.split(',').filter(|text| !text.is_empty());
                    options.keep = Some(places.map(number).collect::<Result<_, _>>()?);
                }
                "--lines" => options.lines = number(&value()?)?,
                "--alone" => options.alone = true,
                "--threads" => options.threads = number::<usize>(&value()?)?.max(1),
                "--floor" => options.floor = Some(number(&value()?)?),
                "--bug" => options.bug = Some(value()?),
                "--sensitivity" => options.sensitivity = true,
                "--within" => options.within = number(&value()?)?,
                "--small" => options.small = true,
                "--speed" => options.speed = true,
                "--wasm" => options.wasm = Some(value()?),
                "--json" => options.json = true,
                "--report" => options.report = Some(value()?),
                "--help" | "-h" => return Ok(None),
                other => return Err(format!("there is no option {other:?}; --help names them all")),
            }
        }
        Ok(Some(options))
    }
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("{text:?} is not a number"))
}

/// What many runs came to.
#[derive(Default)]
struct Sum {
    schedules: u64,
    events: u64,
    kinds: u64,
    simulated: u128,
    entries: u64,
    requests: u64,
    tally: Tally,
    hash: u64,
    violations: BTreeMap<u64, (Invariant, String)>,
}

impl Sum {
    fn add(&mut self, seed: u64, report: Report) {
        self.schedules += 1;
        self.events += report.events;
        self.kinds += report.kinds as u64;
        self.simulated += u128::from(report.simulated);
        self.entries += report.entries as u64;
        self.requests += report.requests;
        self.tally.add(&report.tally);
        // The order in which the seeds were run must not matter.
        self.hash = self.hash.wrapping_add(chaos::trace_of(seed, report.hash));
        if let Some(violation) = report.violation {
            self.violations.insert(seed, (violation.invariant, violation.what));
        }
    }

    fn merge(&mut self, other: Self) {
        self.schedules += other.schedules;
        self.events += other.events;
        self.kinds += other.kinds;
        self.simulated += other.simulated;
        self.entries += other.entries;
        self.requests += other.requests;
        self.tally.add(&other.tally);
        self.hash = self.hash.wrapping_add(other.hash);
        self.violations.extend(other.violations);
    }
}

fn main() -> ExitCode {
    match Options::read(std::env::args().skip(1)) {
        Ok(None) => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        Ok(Some(options)) if options.sensitivity => sensitivity(&options),
        Ok(Some(options)) if options.small => small(&options),
        Ok(Some(options)) if options.speed => speed(&options),
        Ok(Some(Options { wasm: Some(file), .. })) => wasm(&file),
        Ok(Some(options)) => match (plant(&options), options.seed) {
            (Err(problem), _) => {
                eprintln!("{problem}");
                ExitCode::from(2)
            }
            (Ok(()), Some(seed)) => replay(seed, &options),
            (Ok(()), None) => many(&options),
        },
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::from(2)
        }
    }
}

/// Goes through every small world within the bound.
fn small(options: &Options) -> ExitCode {
    let begin = Instant::now();
    let searched = chaos::small::search(chaos::small::Bound { faults: 3, every: 1 }, options.threads);
    print!("{}", searched.text());
    println!("{:.1} s", begin.elapsed().as_secs_f64());
    if searched.broken.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Measures how fast the rules are.
fn speed(options: &Options) -> ExitCode {
    let speed = chaos::speed::measure();
    if options.json {
        println!("{}", speed.json());
    } else {
        print!("{}", speed.text());
    }
    ExitCode::SUCCESS
}

/// Compares the trace of the first seeds here with that of a WebAssembly module.
fn wasm(file: &str) -> ExitCode {
    let begin = Instant::now();
    let module = match std::fs::read(file) {
        Ok(module) => module,
        Err(error) => {
            eprintln!("{file} cannot be read: {error}");
            return ExitCode::from(2);
        }
    };
    let native = chaos::trace_hash(chaos::TRACED_SEEDS);
    match chaos::wasm::trace_hash(&module) {
        Ok(told) => {
            println!(
                "seeds {} to {}: trace hash {native:016x} native, {told:016x} in WebAssembly; {:.1} s",
                chaos::TRACED_SEEDS.start(),
                chaos::TRACED_SEEDS.end(),
                begin.elapsed().as_secs_f64()
            );
            if told == native { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(problem) => {
            eprintln!("{file}: {problem}");
            ExitCode::from(2)
        }
    }
}

/// Switches on the bug that was asked for.
fn plant(options: &Options) -> Result<(), String> {
    let Some(name) = &options.bug else { return Ok(()) };
    let place = planted::BUGS.iter().position(|bug| bug.name == name);
    let names = || planted::BUGS.iter().map(|bug| bug.name).collect::<Vec<_>>().join(", ");
    let place = place
        .ok_or_else(|| format!("there is no planted bug {name:?} in this build; it has: {}", names()))?;
    planted::plant(place + 1);
    Ok(())
}

/// Prints which seed found which planted bug.
fn sensitivity(options: &Options) -> ExitCode {
    let begin = Instant::now();
    let (mut seeds, mut missed) = (Vec::new(), 0);
    let wanted = |name: &str| options.bug.as_ref().is_none_or(|only| only == name);
    let places = (1..=planted::BUGS.len()).filter(|number| wanted(planted::BUGS[number - 1].name));
    for found in
        places.filter_map(|number| chaos::sensitivity::search(number, options.within, options.threads))
    {
        let Bug { name, rule, text } = found.bug;
        match found.by {
            Some((seed, invariant)) => {
                println!("{name:<34} {rule:<4} seed {seed:>5}  {:<5} {text}", invariant.id());
                seeds.push(seed);
            }
            None => {
                println!("{name:<34} {rule:<4} NOT FOUND         {text}");
                missed += 1;
            }
        }
    }
    seeds.sort_unstable();
    println!(
        "{} planted bugs found within {} seeds, {missed} not; the median took {} seeds; {:.0} s",
        seeds.len(),
        options.within,
        seeds.get(seeds.len() / 2).copied().unwrap_or_default(),
        begin.elapsed().as_secs_f64()
    );
    if missed == 0 && !seeds.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs one seed and prints what happens.
fn replay(seed: u64, options: &Options) -> ExitCode {
    let mut whole = Schedule::draw(seed);
    if options.alone {
        whole.world.viewers = 0;
    }
    let schedule = match &options.keep {
        Some(kept) => whole.only(kept),
        None => whole.clone(),
    };
    let report = chaos::run(&schedule, false);
    let Some(violation) = report.violation else {
        let shown = chaos::run(&schedule, true);
        println!("{:?}", schedule.world);
        shown.trace.iter().for_each(|line| println!("{line}"));
        println!("Seed {seed} breaks nothing; hash {:016x}.", shown.hash);
        return ExitCode::SUCCESS;
    };
    tell(seed, &whole, violation.invariant, options.keep.clone(), options.lines);
    ExitCode::FAILURE
}

/// Prints the shortest schedule that still breaks this, and the end of what happens.
fn tell(seed: u64, whole: &Schedule, invariant: Invariant, kept: Option<Vec<usize>>, lines: usize) {
    let kept = kept.unwrap_or_else(|| chaos::shrink::shrink(whole, invariant));
    let report = chaos::run(&whole.only(&kept), true);
    let Some(violation) = report.violation else { return };
    println!("{:?}", whole.world);
    let left_out = report.trace.len().saturating_sub(lines);
    if left_out > 0 {
        println!("… {left_out} lines before");
    }
    report.trace.iter().skip(left_out).for_each(|line| println!("{line}"));
    println!("{}: {}", violation.invariant.id(), violation.invariant.text());
    println!("  {}", violation.what);
    let kept: Vec<String> = kept.iter().map(ToString::to_string).collect();
    println!("  cargo xtask chaos --seed {seed} --keep {}", kept.join(","));
}

/// Runs many seeds on all cores; each run is on one thread.
fn many(options: &Options) -> ExitCode {
    let begin = Instant::now();
    let deadline = options.hours.map(|hours| begin + Duration::from_secs_f64(hours * 3_600.0));
    let next = AtomicU64::new(options.from);
    let enough = AtomicBool::new(false);
    let sum = Mutex::new(Sum::default());
    std::thread::scope(|scope| {
        for _ in 0..options.threads {
            scope.spawn(|| {
                let mut own = Sum::default();
                while !enough.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let over = match deadline {
                        Some(deadline) => Instant::now() >= deadline,
                        None => seed >= options.from.saturating_add(options.schedules),
                    };
                    if over {
                        break;
                    }
                    own.add(seed, chaos::run(&Schedule::draw(seed), false));
                    if own.violations.len() >= 100 {
                        enough.store(true, Ordering::Relaxed);
                    }
                }
                sum.lock().unwrap_or_else(std::sync::PoisonError::into_inner).merge(own);
            });
        }
    });
    let sum = sum.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let seconds = begin.elapsed().as_secs_f64();
    let floor = options.floor.unwrap_or(if sum.schedules >= 200_000 { 1_000 } else { 0 });
    let rare: Vec<Invariant> =
        Invariant::ALL.iter().copied().filter(|invariant| sum.tally.0[*invariant as usize] < floor).collect();
    if options.json {
        println!("{}", json(&sum, seconds));
    } else {
        print!("{}", table(&sum, seconds));
    }
    if let Some(file) = &options.report
        && let Err(error) = std::fs::write(file, report(&sum, options.from))
    {
        eprintln!("{file} cannot be written: {error}");
        return ExitCode::from(2);
    }
    let mut shown = Vec::new();
    for (seed, (invariant, _)) in &sum.violations {
        if !shown.contains(invariant) && shown.len() < 3 && !options.json {
            shown.push(*invariant);
            println!();
            tell(*seed, &Schedule::draw(*seed), *invariant, None, options.lines);
        }
    }
    for invariant in &rare {
        eprintln!("{} was put to the test fewer than {floor} times", invariant.id());
    }
    if !options.json {
        let fails = |invariant: &&Invariant| broken(&sum, **invariant) > 0 || rare.contains(invariant);
        let failed = Invariant::ALL.iter().filter(fails).count();
        // `cargo xtask test` reads this line.
        println!("invariants: {} passed, {failed} failed", Invariant::ALL.len() - failed);
    }
    if sum.violations.is_empty() && rare.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn per(total: u64, schedules: u64) -> f64 {
    total as f64 / schedules.max(1) as f64
}

fn broken(sum: &Sum, invariant: Invariant) -> usize {
    sum.violations.values().filter(|(broken, _)| *broken == invariant).count()
}

fn table(sum: &Sum, seconds: f64) -> String {
    let mut text = String::new();
    for invariant in Invariant::ALL {
        let reached = sum.tally.0[*invariant as usize];
        let broken = broken(sum, *invariant);
        let _ = writeln!(text, "{:<5} {reached:>12} {broken:>6}  {}", invariant.id(), invariant.text());
    }
    for (seed, (invariant, what)) in sum.violations.iter().take(20) {
        let what: String = what.chars().take(200).collect();
        let _ = writeln!(text, "seed {seed}: {} {what}", invariant.id());
    }
    let years = sum.simulated as f64 / 3_600_000.0 / 24.0 / 365.25;
    let _ = writeln!(
        text,
        "{} schedules, {:.0} events and {:.1} kinds of fault each, {} requests, {years:.2} simulated years, {} violations, hash {:016x}",
        sum.schedules,
        per(sum.events, sum.schedules),
        per(sum.kinds, sum.schedules),
        sum.requests,
        sum.violations.len(),
        sum.hash
    );
    let _ = writeln!(text, "{seconds:.1} s, {:.0} events a second", sum.events as f64 / seconds);
    text
}

/// The table as the documentation has it: without what differs from machine to machine.
fn report(sum: &Sum, from: u64) -> String {
    let mut text = String::from(include_str!("report.md"));
    let years = sum.simulated as f64 / 3_600_000.0 / 24.0 / 365.25;
    let _ = writeln!(
        text,
        "Seeds {from} to {}: {} schedules, {:.0} events and {:.1} kinds of fault each, {years:.2} simulated years, {} violations, trace hash `{:016x}`.\n",
        from + sum.schedules.saturating_sub(1),
        sum.schedules,
        per(sum.events, sum.schedules),
        per(sum.kinds, sum.schedules),
        sum.violations.len(),
        sum.hash
    );
    let _ = writeln!(text, "| invariant | what must hold | put to the test | broken |\n|---|---|---:|---:|");
    for invariant in Invariant::ALL {
        let reached = sum.tally.0[*invariant as usize];
        let broken = broken(sum, *invariant);
        let _ = writeln!(text, "| {} | {} | {reached} | {broken} |", invariant.id(), invariant.text());
    }
    text
}

fn json(sum: &Sum, seconds: f64) -> String {
    let reached: Vec<String> = Invariant::ALL
        .iter()
        .map(|invariant| format!("\"{}\":{}", invariant.id(), sum.tally.0[*invariant as usize]))
        .collect();
    let violations: Vec<String> = sum
        .violations
        .iter()
        .map(|(seed, (invariant, what))| {
            format!("{{\"seed\":{seed},\"invariant\":\"{}\",\"what\":{what:?}}}", invariant.id())
        })
        .collect();
    format!(
        "{{\"schedules\":{},\"events\":{},\"kinds\":{},\"requests\":{},\"entries\":{},\"simulated_ms\":{},\"seconds\":{seconds:.3},\"hash\":\"{:016x}\",\"preconditions\":{{{}}},\"violations\":[{}]}}",
        sum.schedules,
        sum.events,
        sum.kinds,
        sum.requests,
        sum.entries,
        sum.simulated,
        sum.hash,
        reached.join(","),
        violations.join(",")
    )
}
