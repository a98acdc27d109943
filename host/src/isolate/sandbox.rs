//! Closes a plugin's process in, as the gateway said, before foreign code runs in it: its memory,
//! its files, its ports, whom it may signal, which system calls it has.
//!
//! Called while the process has one thread, which all later ones take after. What a kernel cannot
//! do is reported, never passed over. Must not know: frames, what a plugin is.

use super::{harden, syscalls};
use crate::plugins::{Confinement, Demand, Hold, Layer, Ports};
use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, NetPort,
    Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
    path_beneath_rules,
};
use std::path::PathBuf;

/// The newest set of access rights asked for; an older kernel leaves out what it does not know.
const NEWEST: ABI = ABI::V6;

/// Enters the sandbox and says what holds.
pub(super) fn enter(plan: &Confinement) -> Vec<Layer> {
    let mut layers = vec![Layer::new(
        "process",
        Hold::Yes,
        "a process of its own: empty environment, no inherited descriptors",
    )];
    if plan.demand == Demand::Off {
        let off = |layer| Layer::new(layer, Hold::No, "turned off in the configuration");
        layers.extend(["memory", "files", "ports", "signals", "syscalls"].map(off));
        layers.insert(1, privileges(true));
        return layers;
    }
    layers.push(privileges(
        matches!(&plan.listen, Ports::These(ports) if ports.iter().all(|p| *p >= 1024)),
    ));
    layers.push(memory(plan));
    layers.extend(lock_land(plan));
    layers.push(syscalls::forbid(plan));
    layers
}

/// Whether every layer came out as meant.
pub(super) fn is_whole(layers: &[Layer]) -> bool {
    layers.iter().all(|layer| layer.holds == Hold::Yes)
}

fn privileges(all: bool) -> Layer {
    const LAYER: &str = "privileges";
    match harden::drop_capabilities(all) {
        Ok(()) => {
            Layer::new(LAYER, Hold::Yes, "no_new_privs, no capabilities, no core dumps, umask 077")
        }
        Err(error) => {
            let detail = format!("no_new_privs; capabilities could not be dropped: {error}");
            Layer::new(LAYER, Hold::Partly, detail)
        }
    }
}

fn memory(plan: &Confinement) -> Layer {
    let mib = plan.memory_bytes >> 20;
    match harden::limit_memory(plan.memory_bytes, plan.execute.is_empty()) {
        Ok(()) => Layer::new("memory", Hold::Yes, format!("at most {mib} MiB")),
        Err(error) => Layer::new("memory", Hold::No, format!("cannot be limited: {error}")),
    }
}

/// Landlock's layers: files, ports and signals in one rule set.
fn lock_land(plan: &Confinement) -> [Layer; 3] {
    match restrict(plan) {
        Ok((kernel, RulesetStatus::NotEnforced)) => {
            let why = match kernel {
                LandlockStatus::NotEnabled => "Landlock is off in this kernel",
                _ => "this kernel has no Landlock (5.13)",
            };
            layers(plan, 0, why)
        }
        Ok((LandlockStatus::Available { effective_abi, .. }, _)) => {
            layers(plan, effective_abi as i32, "")
        }
        Ok(_) => layers(plan, 0, "this kernel does not say what it has"),
        Err(error) => layers(plan, 0, &format!("Landlock refused: {error}")),
    }
}

/// What a kernel with this Landlock interface makes of the three.
fn layers(plan: &Confinement, abi: i32, why: &str) -> [Layer; 3] {
    let without = |layer: &str, kernel: &str| {
        let detail = if why.is_empty() {
            format!("this kernel cannot (needs Linux {kernel})")
        } else {
            why.to_owned()
        };
        Layer::new(layer, Hold::No, detail)
    };
    let files = match abi {
        0 => without("files", "5.13"),
        1 | 2 => Layer::new("files", Hold::Partly, "Landlock: all but truncating (Linux 6.2)"),
        _ => Layer::new("files", Hold::Yes, format!("Landlock interface {abi}: listed paths only")),
    };
    // Without any port the filter of system calls lets it have no socket of the net at all.
    let nothing = plan.connect.is_none() && plan.listen.is_none();
    let ports = match abi {
        _ if nothing => Layer::new("ports", Hold::Yes, "none; no sockets of the net"),
        _ if plan.connect == Ports::Any && plan.listen == Ports::Any => {
            Layer::new("ports", Hold::Yes, "any, as its manifest asks")
        }
        0..4 => without("ports", "6.7"),
        _ => Layer::new("ports", Hold::Yes, said(plan)),
    };
    let signals = match abi {
        0..6 => without("signals", "6.12"),
        _ => Layer::new("signals", Hold::Yes, "only to itself and what it started"),
    };
    [files, ports, signals]
}

fn said(plan: &Confinement) -> String {
    let list = |ports: &Ports| match ports {
        Ports::Any => "any".to_owned(),
        Ports::These(ports) if ports.is_empty() => "none".to_owned(),
        Ports::These(ports) => ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    format!("TCP out: {}; in: {}", list(&plan.connect), list(&plan.listen))
}

fn restrict(plan: &Confinement) -> Result<(LandlockStatus, RulesetStatus), RulesetError> {
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?;
    for (ports, access) in gates(plan) {
        if matches!(ports, Ports::These(_)) {
            rules = rules.handle_access(access)?;
        }
    }
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let write = AccessFs::from_all(NEWEST) & !BitFlags::from(AccessFs::Execute);
    let mut rules = rules.create()?;
    rules = allow(rules, &plan.read, read)?;
    rules = allow(rules, &plan.write, write)?;
    rules = allow(rules, &plan.execute, read | AccessFs::Execute)?;
    for (ports, access) in gates(plan) {
        if let Ports::These(ports) = ports {
            let each = ports.iter().map(|port| Ok::<_, RulesetError>(NetPort::new(*port, access)));
            rules = rules.add_rules(each)?;
        }
    }
    let status = rules.restrict_self()?;
    Ok((status.landlock, status.ruleset))
}

fn gates(plan: &Confinement) -> [(&Ports, AccessNet); 2] {
    [(&plan.connect, AccessNet::ConnectTcp), (&plan.listen, AccessNet::BindTcp)]
}

/// Paths that are not there are passed over: nothing can be opened below them either.
fn allow(
    rules: RulesetCreated,
    paths: &[PathBuf],
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    rules.add_rules(path_beneath_rules(paths, access))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn plan(connect: Ports, listen: Ports) -> Confinement {
        let demand = Demand::BestEffort;
        let (read, write, execute) = (Vec::new(), vec![Path::new("/x").into()], Vec::new());
        Confinement { demand, read, write, execute, connect, listen, memory_bytes: 1 << 29 }
    }

    #[test]
    fn an_old_kernel_is_told_from_a_new_one_layer_by_layer() {
        let some = plan(Ports::These(vec![443]), Ports::These(Vec::new()));
        let holds = |abi| layers(&some, abi, "").map(|layer| layer.holds);
        assert_eq!(holds(0), [Hold::No; 3]);
        assert_eq!(holds(1), [Hold::Partly, Hold::No, Hold::No]);
        assert_eq!(holds(3), [Hold::Yes, Hold::No, Hold::No], "Debian 12 has files only");
        assert_eq!(holds(4), [Hold::Yes, Hold::Yes, Hold::No]);
        assert_eq!(holds(6), [Hold::Yes; 3]);
        let [_, ports, _] = layers(&some, 3, "");
        assert!(ports.detail.contains("6.7"), "{ports:?}");
        let [files, ..] = layers(&some, 0, "Landlock is off in this kernel");
        assert!(files.detail.contains("off"), "{files:?}");
    }

    #[test]
    fn no_port_at_all_needs_no_landlock() {
        let none = plan(Ports::These(Vec::new()), Ports::These(Vec::new()));
        let [_, ports, _] = layers(&none, 0, "");
        assert_eq!(ports.holds, Hold::Yes);
    }
}
