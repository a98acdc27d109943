//! From the configuration to the agents that answer.

use crate::{
    agent::{
        Agent, Approver, Backend, Roster, Runs,
        acp::Acp,
        echo::Echo,
        openai::OpenAi,
        pi::Pi,
        program::{Ground as ProgramGround, Program},
    },
    clock::Clock,
    config::{
        Config, Paths,
        agent::{Backend as Kind, OtherAgentSection, ProgramSection},
    },
    events::Events,
    store::Store,
};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// What all of them stand on.
pub struct Ground {
    /// The state folder.
    pub state: PathBuf,
    /// Time.
    pub clock: Clock,
    /// Who is asked before an agent acts.
    pub approver: Arc<dyn Approver>,
    /// Tasks to wait for when stopping.
    pub tracker: TaskTracker,
    /// Told when the gateway stops.
    pub stop: CancellationToken,
}

impl Ground {
    /// Puts it together.
    #[must_use]
    pub fn new(
        paths: &Paths,
        clock: &Clock,
        approver: impl Approver,
        tracker: &TaskTracker,
        stop: &CancellationToken,
    ) -> Self {
        Self {
            state: paths.state.clone(),
            clock: clock.clone(),
            approver: Arc::new(approver),
            tracker: tracker.clone(),
            stop: stop.clone(),
        }
    }
}

/// The room of runs with every configured agent in it.
#[must_use]
pub fn runs(config: &Config, store: Store, events: Events, ground: &Ground) -> Runs {
    let (clock, tracker) = (ground.clock.clone(), ground.tracker.clone());
    let max = config.agent.max_concurrent;
    Runs::new(store, clock, events, roster(config, ground), max, tracker)
}

fn roster(config: &Config, ground: &Ground) -> Roster {
    let first = agent(&config.agent.id, &config.agent.common(), ground);
    let others = config.agents.iter().map(|(id, section)| agent(id, section, ground));
    Roster::new(first, others.collect())
}

fn agent(id: &str, section: &OtherAgentSection, ground: &Ground) -> Agent {
    let backend: Arc<dyn Backend> = match section.backend {
        Kind::Echo => Arc::new(Echo { pace: Duration::from_millis(section.echo_pace_ms) }),
        Kind::Openai => Arc::new(OpenAi::new(section.openai.clone(), ground.clock.clone())),
        Kind::Acp => Arc::new(Acp::new(
            program(id, &section.acp, ground),
            section.acp.permission,
            Arc::clone(&ground.approver),
        )),
        Kind::Pi => Arc::new(Pi::new(
            program(id, &section.pi, ground),
            section.pi.permission,
            Arc::clone(&ground.approver),
        )),
    };
    Agent {
        id: id.to_owned(),
        name: section.name.clone().unwrap_or_else(|| id.to_owned()),
        backend,
        timeout: Duration::from_secs(section.timeout_s),
    }
}

fn program(id: &str, section: &ProgramSection, ground: &Ground) -> Program {
    let ground = ProgramGround {
        home: ground.state.join("agents").join(id),
        clock: ground.clock.clone(),
        tracker: ground.tracker.clone(),
        stop: ground.stop.clone(),
    };
    Program::new(section, ground)
}
