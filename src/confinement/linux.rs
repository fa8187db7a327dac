//! How Linux takes rights away.

use std::collections::BTreeMap;
use std::io;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope, path_beneath_rules,
};
use nix::unistd::{Gid, Uid, User, geteuid, setgroups, setresgid, setresuid};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter,
};

use super::{Confined, Dropped, Needs};

/// The newest interface of Landlock that is known here; older kernels do what they can.
const NEWEST: ABI = ABI::V6;

/// What no reader of packets ever calls: new sockets and connections, new programs, other
/// processes' memory, signals by other ways than `kill`, other rights, other name spaces, the
/// kernel itself.
#[rustfmt::skip]
const REFUSED: &[libc::c_long] = &[
    libc::SYS_socket, libc::SYS_socketpair, libc::SYS_connect, libc::SYS_listen, libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_execve, libc::SYS_execveat,
    libc::SYS_ptrace, libc::SYS_process_vm_readv, libc::SYS_process_vm_writev,
    libc::SYS_tkill, libc::SYS_rt_sigqueueinfo, libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_pidfd_send_signal,
    libc::SYS_setuid, libc::SYS_setgid, libc::SYS_setreuid, libc::SYS_setregid,
    libc::SYS_setresuid, libc::SYS_setresgid, libc::SYS_setgroups, libc::SYS_capset,
    libc::SYS_unshare, libc::SYS_setns, libc::SYS_chroot, libc::SYS_pivot_root, libc::SYS_mount,
    libc::SYS_umount2, libc::SYS_open_by_handle_at,
    libc::SYS_bpf, libc::SYS_perf_event_open, libc::SYS_userfaultfd, libc::SYS_io_uring_setup,
    libc::SYS_init_module, libc::SYS_finit_module, libc::SYS_delete_module, libc::SYS_kexec_load,
    libc::SYS_reboot, libc::SYS_swapon, libc::SYS_swapoff, libc::SYS_keyctl, libc::SYS_add_key,
    libc::SYS_request_key, libc::SYS_personality, libc::SYS_acct, libc::SYS_quotactl,
];

pub(super) fn drop_rights(user: Option<&str>) -> io::Result<Dropped> {
    let user = match user {
        Some(name) => Some(User::from_name(name)?.ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                format!("there is no user `{name}`"),
            )
        })?),
        None if geteuid().is_root() => who_called_sudo()?,
        None => None,
    };
    // While it may still be done: nothing that is ever started gets a capability back.
    drop_bounding_set();
    if let Some(user) = &user {
        setgroups(&[user.gid])?;
        setresgid(user.gid, user.gid, user.gid)?;
        setresuid(user.uid, user.uid, user.uid)?;
    }
    drop_capabilities()?;
    nix::sys::prctl::set_no_new_privs()?;
    Ok(Dropped {
        user: user.map(|user| user.name),
    })
}

/// The user that sudo was called by, if it was.
fn who_called_sudo() -> io::Result<Option<User>> {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u32>().ok();
    let (Some(user), Some(group)) = (number("SUDO_UID"), number("SUDO_GID")) else {
        return Ok(None);
    };
    if user == 0 {
        return Ok(None);
    }
    let mut found = User::from_uid(Uid::from_raw(user))?;
    if let Some(found) = &mut found {
        found.gid = Gid::from_raw(group);
    }
    Ok(found)
}

#[allow(unsafe_code, reason = "prctl and capset have no safe wrapper here")]
fn drop_bounding_set() {
    /// More than there are; the kernel refuses those.
    const MOST: libc::c_ulong = 64;
    for capability in 0..MOST {
        // SAFETY: numbers only. Without CAP_SETPCAP it fails, and there is nothing to drop then
        // that an unprivileged process could pass on.
        unsafe {
            libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0);
        }
    }
    // SAFETY: numbers only.
    unsafe {
        libc::prctl(
            libc::PR_CAP_AMBIENT,
            libc::PR_CAP_AMBIENT_CLEAR_ALL,
            0,
            0,
            0,
        );
    }
}

#[allow(unsafe_code, reason = "capset has no safe wrapper here")]
fn drop_capabilities() -> io::Result<()> {
    /// `_LINUX_CAPABILITY_VERSION_3`
    const VERSION: u32 = 0x2008_0522;
    // `struct __user_cap_header_struct`: this thread.
    let header = [VERSION, 0];
    // Two of `struct __user_cap_data_struct`: effective, permitted, inheritable.
    let none = [0_u32; 6];
    // SAFETY: the kernel reads both, which are as long as version 3 has them.
    let result = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

pub(super) fn confine(needs: &Needs) -> Confined {
    Confined {
        files: fence_files(needs).unwrap_or(false),
        calls: fence_calls().is_some(),
    }
}

fn fence_files(needs: &Needs) -> Result<bool, landlock::RulesetError> {
    let reading = AccessFs::from_read(NEWEST) & !BitFlags::from(AccessFs::Execute);
    let writing: BitFlags<AccessFs> = AccessFs::WriteFile
        | AccessFs::ReadFile
        | AccessFs::ReadDir
        | AccessFs::MakeReg
        | AccessFs::RemoveFile
        | AccessFs::Truncate
        | AccessFs::Refer;
    let using = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev;
    let terminal: &[&str] = if needs.terminal { &["/dev/tty"] } else { &[] };
    // Ctrl-Z stops all of the job, of which the screen may be one process of several: there
    // `fence_calls` alone keeps signals in.
    let scope: BitFlags<Scope> = match needs.terminal {
        true => Scope::AbstractUnixSocket.into(),
        false => Scope::from_all(NEWEST),
    };
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(scope)?
        .create()?;
    let named = path_beneath_rules(&needs.read, reading)
        .chain(path_beneath_rules(&needs.write, writing))
        .chain(path_beneath_rules(terminal, using));
    for rule in named {
        // There is no rule for a pipe without a name (`/dev/fd/63`), which is not fenced either:
        // the others must not be lost with it.
        let _ = (&mut rules).add_rule(rule?);
    }
    let status = rules.restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

/// None where this system or machine has no such thing.
fn fence_calls() -> Option<()> {
    let mut rules: BTreeMap<i64, Vec<_>> = REFUSED.iter().map(|&call| (call, Vec::new())).collect();
    rules.extend(signals()?);
    let refuse = SeccompAction::Errno(libc::EPERM as u32);
    let machine = std::env::consts::ARCH.try_into().ok()?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, machine).ok()?;
    let program: BpfProgram = filter.try_into().ok()?;
    apply_filter(&program).ok()
}

/// What is refused of signals: all but those to itself (`abort`), and what stops its job (Ctrl-Z).
fn signals() -> Option<[(i64, Vec<SeccompRule>); 2]> {
    const JOB: u64 = 0;
    let own = u64::from(std::process::id());
    let first = |operator, value| is(0, operator, value);
    let to_others = [first(SeccompCmpOp::Ne, JOB)?, first(SeccompCmpOp::Ne, own)?];
    let to_job = [
        first(SeccompCmpOp::Eq, JOB)?,
        is(1, SeccompCmpOp::Ne, libc::SIGSTOP as u64)?,
    ];
    let to_other_threads = [first(SeccompCmpOp::Ne, own)?];
    let rule = |conditions: &[SeccompCondition]| SeccompRule::new(conditions.to_vec()).ok();
    Some([
        (libc::SYS_kill, vec![rule(&to_others)?, rule(&to_job)?]),
        (libc::SYS_tgkill, vec![rule(&to_other_threads)?]),
    ])
}

fn is(argument: u8, operator: SeccompCmpOp, value: u64) -> Option<SeccompCondition> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::net::{TcpListener, UdpSocket};
    use std::os::fd::AsRawFd;
    use std::path::PathBuf;
    use std::process::{Command, Stdio};
    use std::thread;

    use nix::sys::signal::kill;
    use nix::unistd::{Pid, getpid};

    use super::*;

    /// In a thread of its own: rights are those of a thread. What must fail is tried.
    #[test]
    fn what_is_given_up_is_gone() {
        let name = format!("tcplens-confined-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        // As the shell names the output of a program: no rule can be made of it.
        let (pipe, mut piped) = std::io::pipe().unwrap();
        let named = PathBuf::from(format!("/dev/fd/{}", pipe.as_raw_fd()));
        let needs = Needs {
            read: vec!["/etc/hosts".into(), "/nonexistent".into(), named.clone()],
            write: vec![folder.clone()],
            // There signals are kept in by other means.
            terminal: true,
        };
        let mut neighbour = Command::new("cat")
            .stdin(Stdio::piped())
            .spawn()
            .expect("cat");
        let neighbour_id = Pid::from_raw(neighbour.id() as i32);
        kill(neighbour_id, None).unwrap();
        let inside = folder.clone();
        let mut already_open = fs::File::create(folder.join("open")).unwrap();
        let tried = thread::spawn(move || {
            drop_rights(None).unwrap();
            let confined = confine(&needs);
            // What is needed works.
            already_open.write_all(b"still").unwrap();
            fs::write(inside.join("made"), "yes").unwrap();
            fs::rename(inside.join("made"), inside.join("moved")).unwrap();
            fs::remove_file(inside.join("moved")).unwrap();
            fs::read("/etc/hosts").unwrap();
            piped.write_all(b"piped").unwrap();
            drop(piped);
            assert_eq!(fs::read(&named).unwrap(), b"piped");
            kill(getpid(), None).unwrap();
            (
                confined,
                [
                    fs::read("/etc/passwd").is_err(),
                    fs::read("/proc/thread-self/status").is_err(),
                    fs::write("/etc/hosts", "").is_err(),
                    fs::write(inside.join("../tcplens-outside"), "").is_err(),
                ],
                [
                    TcpListener::bind("127.0.0.1:0").is_err(),
                    UdpSocket::bind("127.0.0.1:0").is_err(),
                    Command::new("/bin/true").status().is_err(),
                    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWUSER).is_err(),
                    nix::unistd::chroot("/").is_err(),
                    kill(neighbour_id, None).is_err(),
                    kill(Pid::from_raw(-1), None).is_err(),
                    kill(Pid::from_raw(0), None).is_err(),
                ],
            )
        });
        let tried = tried.join().unwrap();
        neighbour.kill().unwrap();
        neighbour.wait().unwrap();
        drop(pipe);
        fs::remove_dir_all(&folder).unwrap();
        let (files, calls) = (tried.0.files, tried.0.calls);
        if files {
            assert_eq!(tried.1, [true; 4]);
        }
        if calls {
            assert_eq!(tried.2, [true; 8]);
        }
        // Where CI runs, the system has both.
        assert!(files && calls || std::env::var_os("CI").is_none());
        // This thread has kept what it had.
        assert!(fs::read("/etc/passwd").is_ok());
    }

    #[test]
    fn capabilities_are_gone_for_good() {
        let status = thread::spawn(|| {
            drop_rights(None).unwrap();
            fs::read_to_string("/proc/thread-self/status").unwrap()
        });
        let status = status.join().unwrap();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap().trim().trim_start_matches('0').to_owned()
        };
        for name in ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"] {
            assert_eq!(field(name), "", "{name}");
        }
        assert_eq!(field("NoNewPrivs:"), "1");
    }

    #[test]
    fn a_user_that_is_not_there_is_refused() {
        let refused = thread::spawn(|| drop_rights(Some("nobody-of-that-name")));
        assert!(refused.join().unwrap().is_err());
    }
}
