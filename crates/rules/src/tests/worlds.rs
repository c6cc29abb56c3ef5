//! Many small worlds: a service that fails at random, from a seed, and what must hold in each.

use std::collections::BTreeMap;

use agora::{AnswerClass, Operation, UnansweredCause};

use super::*;
use crate::policy::Patience;

/// `SplitMix64`: the same numbers from the same seed on every machine.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }
}

/// One session as the service really has it.
#[derive(Debug, Clone)]
struct Task {
    uid: u32,
    begun: i64,
    /// Away in `[from, to)`, in milliseconds since the request.
    away: Vec<(i64, i64)>,
    ends: i64,
    stopped: bool,
}

impl Task {
    fn lives(&self, at: i64) -> bool {
        !self.stopped && at < self.ends
    }

    fn answers(&self, at: i64) -> bool {
        self.lives(at) && !self.away.iter().any(|(from, to)| (*from..*to).contains(&at))
    }
}

/// The service: what runs, and how badly it behaves.
struct World {
    chance: Chance,
    tasks: BTreeMap<SessionNumber, Task>,
    trouble: u64,
    worst: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut chance = Chance(seed);
        let trouble = [0, 5, 20, 50][usize::try_from(chance.below(4)).expect("small")];
        Self { chance, tasks: BTreeMap::new(), trouble, worst: 0 }
    }

    fn alive(&self, uid: u32, at: i64) -> usize {
        self.tasks.values().filter(|task| task.uid == uid && task.lives(at)).count()
    }

    fn serve(&mut self, call: &Seen) -> Reply {
        let troubled = self.chance.percent(self.trouble);
        let lost = troubled && self.chance.percent(30);
        if troubled && !lost && self.chance.percent(70) {
            return self.refuse();
        }
        let reply = self.carry_out(call);
        self.worst = self.worst.max(self.alive(call.uid, call.at));
        if lost {
            let causes = [UnansweredCause::Reset, UnansweredCause::Timeout];
            let cause = causes[usize::try_from(self.chance.below(2)).expect("small")];
            return Reply::None(cause, 200 + self.chance.below(9_000));
        }
        match reply {
            Reply::Answer(status, class, _) => Reply::Answer(status, class, self.chance.below(1_500)),
            other => other,
        }
    }

    fn refuse(&mut self) -> Reply {
        match self.chance.below(7) {
            0 => answer(AnswerClass::ServerError),
            1 => answer(AnswerClass::GatewayError),
            2 => answer(AnswerClass::NotCompleted),
            3 => answer(AnswerClass::RateLimited { retry_after: None }),
            4 => answer(AnswerClass::RequestTimeout),
            5 => answer(AnswerClass::Unreadable),
            _ => Reply::None(UnansweredCause::Refused, 10),
        }
    }

    fn carry_out(&mut self, call: &Seen) -> Reply {
        match call.operation {
            Operation::Acquire => acquired(call),
            Operation::Start => self.start(call),
            Operation::Query => match self.tasks.get(&call.session) {
                Some(task) if task.answers(call.at) => {
                    status(if call.at - task.begun < 3_000 { 2 } else { 5 })
                }
                _ => not_found(),
            },
            Operation::Stop => match self.tasks.get_mut(&call.session) {
                Some(task) if task.answers(call.at) => {
                    task.stopped = true;
                    stopped()
                }
                _ => not_found(),
            },
            Operation::Update | Operation::UpdateLayout => answer(AnswerClass::Updated),
        }
    }

    fn start(&mut self, call: &Seen) -> Reply {
        if let Some(task) = self.tasks.get(&call.session) {
            return answer(AnswerClass::AlreadyStarted(task.lives(call.at).then(|| sid(call.session))));
        }
        if self.alive(call.uid, call.at) > 0 {
            return answer(AnswerClass::TaskConflict);
        }
        let mut away = Vec::new();
        let mut at = call.at;
        for _ in 0..self.chance.below(4) {
            at += 20_000 + i64::try_from(self.chance.below(400_000)).expect("small");
            let back = at + i64::try_from(self.chance.below(85_000)).expect("small");
            away.push((at, back));
            at = back;
        }
        let ends = if self.chance.percent(40) {
            call.at + i64::try_from(self.chance.below(900_000)).expect("small")
        } else {
            i64::MAX
        };
        let task = Task { uid: call.uid, begun: call.at, away, ends, stopped: false };
        self.tasks.insert(call.session, task);
        started(call)
    }
}

#[test]
fn in_every_world_the_rules_rest_no_uid_lives_twice_and_a_stop_ends_everything() {
    for seed in 0..400 {
        let mut world = World::new(seed);
        let patience = [Patience::Patient, Patience::Swift, Patience::Immediate]
            [usize::try_from(seed % 3).expect("small")];
        let mut desk = Desk::with_policy(Policy::with_patience(patience));
        desk.run(1_200, |call| world.serve(call));
        if seed % 5 == 0 {
            // Nobody is there for a while, and then somebody else.
            desk.attended = false;
            desk.run(1_500, |call| world.serve(call));
            desk.attended = true;
            desk.lease();
        }
        desk.run(2_000, |call| world.serve(call));
        desk.press_stop();
        world.trouble = 0;
        desk.run(3_200, |call| world.serve(call));
        assert!(world.worst <= 1, "seed {seed}: a UID lived twice");
        let at = desk.offset();
        let orphaned = |number: &SessionNumber| {
            let session = desk.recording.session(*number);
            session.is_some_and(crate::recording::Session::is_orphan)
        };
        let running: Vec<_> = world
            .tasks
            .iter()
            .filter(|(number, task)| task.lives(at) && !orphaned(number))
            .map(|(number, _)| *number)
            .collect();
        assert!(running.is_empty(), "seed {seed}: {running:?} run and are not shown");
        let size = serde_json::to_string(&desk.recording).expect("JSON").len();
        assert!(size < 8 * 1024, "seed {seed}: {size} bytes");
        for session in &desk.recording.sessions {
            assert!(session.is_settled() || session.is_orphan(), "seed {seed}: {session:#?}");
        }
    }
}

#[test]
fn t3_in_no_world_that_answers_truly_is_a_session_that_lives_taken_as_ended_or_lost() {
    let (mut pressed, mut came_back) = (0, 0);
    for seed in 0..200 {
        let mut world = World::new(seed);
        world.trouble = 0;
        let mut desk = Desk::new();
        let mut stop_at = None;
        for second in (5..1_800).step_by(5) {
            desk.run(second, |call| world.serve(call));
            let at = desk.offset();
            for session in &desk.recording.sessions {
                let given_up = matches!(
                    session.phase,
                    crate::recording::Phase::TakenAsEnded | crate::recording::Phase::Lost
                );
                let lives = world.tasks.get(&session.number).is_some_and(|task| task.lives(at));
                assert!(!(given_up && lives), "seed {seed}, {second} s: {session:#?}");
            }
            let away = desk.recording.sessions.iter().any(|session| session.doubt.is_some());
            if away && stop_at.is_none() && second > 60 {
                // Staff stop it while nobody can tell a failover from an end.
                desk.press_stop();
                stop_at = Some(second);
                pressed += 1;
            }
        }
        let returned = |session: &crate::recording::Session| {
            session
                .interruptions
                .iter()
                .any(|away| stop_at.is_some_and(|at| away.back.millis() - ORIGIN > i64::from(at) * 1000))
        };
        came_back += usize::from(desk.recording.sessions.iter().any(returned));
    }
    assert!(pressed > 50 && came_back > 20, "{pressed} stops in a doubt, {came_back} came back");
}
