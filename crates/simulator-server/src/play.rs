//! Plays the steps of a scenario that the service itself takes, each at its time.

use std::sync::Arc;

use agora::Timestamp;
use simulator::scenario::Scenario;
use simulator::{Domain, Outcome};

use crate::listener::Shared;

/// Plays to the end; the scenario's time begins at `began`.
pub(crate) async fn play(shared: Arc<Shared>, scenario: Scenario, began: Timestamp) {
    for step in scenario.in_order() {
        let Some(request) = step.control(Domain::Primary) else { continue };
        shared.wait_until(began + step.at()).await;
        let handled = shared.with_service(|service, now| service.control_of(now, &request));
        if let Outcome::Answered(reply) = handled
            && reply.status != 200
        {
            let told = String::from_utf8_lossy(&reply.body).into_owned();
            eprintln!("tallylight-simulator: the scenario's step at {} s: {told}", step.at().as_secs());
        }
        shared.faults_changed.notify_waiters();
        shared.something_told.notify_one();
    }
}
