//! Takes system calls away from a plugin's process that no channel needs, with an error instead of
//! a blow: what asks for one is told that it is not permitted.
//!
//! A list of what is forbidden, not of what is allowed: the latter breaks with every new libc. Must
//! not know: files and ports, which Landlock minds.

use crate::plugins::{Confinement, Hold, Layer};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule,
};
use std::collections::BTreeMap;

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Looking into or steering other processes, other worlds, the kernel and the clock.
const FORBIDDEN: [i64; 48] = [
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_adjtimex,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kcmp,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_personality,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_process_madvise,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
];

/// Starting programs.
const STARTING: [i64; 2] = [libc::SYS_execve, libc::SYS_execveat];

/// Families of sockets there are for plugins; `AF_NETLINK` is how addresses of names are sorted.
const FAMILIES: [i32; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
const NET: [i32; 2] = [libc::AF_INET, libc::AF_INET6];
/// The kinds of transport whose ports somebody minds, and datagrams.
const TRANSPORTS: [i32; 3] = [0, libc::IPPROTO_TCP, libc::IPPROTO_UDP];
const KIND_MASK: u64 = 0xf;
/// New namespaces, by any of their flags.
const NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWUTS,
];

/// Puts the filters in place and says what holds.
pub(super) fn forbid(plan: &Confinement) -> Layer {
    const LAYER: &str = "syscalls";
    match apply(plan) {
        Ok(()) => {
            let programs = if plan.execute.is_empty() { "; starts no programs" } else { "" };
            Layer::new(LAYER, Hold::Yes, format!("seccomp{programs}"))
        }
        Err(detail) => Layer::new(LAYER, Hold::No, detail),
    }
}

fn apply(plan: &Confinement) -> Result<(), String> {
    let said = |error: BackendError| format!("no filter for this machine: {error}");
    let put = |program: &BpfProgram| {
        seccompiler::apply_filter(program).map_err(|error| format!("seccomp refused: {error}"))
    };
    // Its arguments lie in memory, where no filter sees them; libc falls back to the older call.
    let newer = Rules::from([(libc::SYS_clone3, Vec::new())]);
    put(&compile(newer, libc::ENOSYS).map_err(said)?)?;
    put(&compile(rules(plan).map_err(said)?, libc::EPERM).map_err(said)?)
}

fn compile(rules: Rules, errno: i32) -> Result<BpfProgram, BackendError> {
    let refuse = SeccompAction::Errno(errno.unsigned_abs());
    let machine = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, SeccompAction::Allow, refuse, machine)?.try_into()
}

fn rules(plan: &Confinement) -> Result<Rules, BackendError> {
    let starting = STARTING.iter().filter(|_| plan.execute.is_empty());
    let mut rules: Rules =
        FORBIDDEN.iter().chain(starting).map(|call| (*call, Vec::new())).collect();
    rules.insert(libc::SYS_socket, sockets(plan)?);
    let flags = NAMESPACES.iter().map(|flag| {
        let bit = number(*flag);
        SeccompRule::new(vec![condition(0, SeccompCmpOp::MaskedEq(bit), bit)?])
    });
    rules.insert(libc::SYS_clone, flags.collect::<Result<_, _>>()?);
    Ok(rules)
}

/// Which sockets it may not have.
fn sockets(plan: &Confinement) -> Result<Vec<SeccompRule>, BackendError> {
    let unlike = |argument, values: &[i32]| {
        values
            .iter()
            .map(|value| condition(argument, SeccompCmpOp::Ne, number(*value)))
            .collect::<Result<Vec<_>, _>>()
    };
    let mut rules = vec![SeccompRule::new(unlike(0, &FAMILIES)?)?];
    for family in NET {
        let mut of_family = vec![condition(0, SeccompCmpOp::Eq, number(family))?];
        if plan.connect.is_none() && !plan.listen.is_none() {
            // It only listens: no datagrams to anybody.
            let kind = SeccompCmpOp::MaskedEq(KIND_MASK);
            let datagram = condition(1, kind, number(libc::SOCK_DGRAM))?;
            rules.push(SeccompRule::new(vec![of_family[0].clone(), datagram])?);
        }
        if !(plan.connect.is_none() && plan.listen.is_none()) {
            of_family.extend(unlike(2, &TRANSPORTS)?);
        }
        rules.push(SeccompRule::new(of_family)?);
    }
    Ok(rules)
}

fn condition(
    argument: u8,
    compared: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, compared, value)
}

fn number(value: i32) -> u64 {
    u64::from(value.unsigned_abs())
}
