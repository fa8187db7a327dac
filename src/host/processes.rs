//! Which process has a socket open: /proc says which files each process has, by inode.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use super::Process;

/// Processes by the inodes of their sockets, as far as /proc lets us see. What was found is kept,
/// so that a process is looked at again only when an inode is not known.
#[derive(Debug, Default)]
pub struct Owners {
    by_inode: HashMap<u32, Process>,
    users: HashMap<u32, String>,
}

/// Inodes that are kept at most; then all are looked for again.
const MOST: usize = 100_000;

impl Owners {
    /// The process that has a socket of this inode.
    pub fn of(&self, inode: u32) -> Option<&Process> {
        self.by_inode.get(&inode)
    }

    /// Whether all these inodes are known; 0 is no inode.
    pub fn know(&self, mut inodes: impl Iterator<Item = u32>) -> bool {
        inodes.all(|inode| inode == 0 || self.by_inode.contains_key(&inode))
    }

    /// Looks through /proc.
    pub fn look(&mut self) {
        if self.by_inode.len() > MOST {
            self.by_inode.clear();
        }
        let Ok(entries) = fs::read_dir("/proc") else {
            return;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            self.look_at(pid, &entry.path());
        }
    }

    fn look_at(&mut self, pid: u32, folder: &Path) {
        let Ok(files) = fs::read_dir(folder.join("fd")) else {
            return;
        };
        let mut process = None;
        for file in files.flatten() {
            let inode = fs::read_link(file.path()).ok().and_then(|link| {
                let link = link.to_str()?;
                link.strip_prefix("socket:[")?
                    .strip_suffix(']')?
                    .parse()
                    .ok()
            });
            let Some(inode) = inode else { continue };
            // A socket that was passed on belongs to who had it first.
            if self.by_inode.contains_key(&inode) {
                continue;
            }
            let process = process.get_or_insert_with(|| self.describe(pid, folder));
            self.by_inode.insert(inode, process.clone());
        }
    }

    fn describe(&mut self, pid: u32, folder: &Path) -> Process {
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
        let status = read("status");
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next().map(str::to_owned)
        };
        let uid = field("Uid:").and_then(|uid| uid.parse().ok()).unwrap_or(0);
        Process {
            pid,
            program: read("comm").trim_end().to_owned(),
            user: self.user(uid),
            container: container(&read("cgroup")),
        }
    }

    fn user(&mut self, uid: u32) -> String {
        let named = |uid| {
            let user = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(uid));
            user.ok().flatten().map(|user| user.name)
        };
        self.users
            .entry(uid)
            .or_insert_with(|| named(uid).unwrap_or_else(|| uid.to_string()))
            .clone()
    }
}

/// The container that a control group is of: Docker, containerd, CRI-O and Podman name it by the
/// container's 64 digits.
fn container(cgroup: &str) -> Option<String> {
    const DIGITS: usize = 64;
    const SHOWN: usize = 12;
    let is_hex = |part: &&str| part.len() == DIGITS && part.bytes().all(|c| c.is_ascii_hexdigit());
    cgroup
        .split(['/', '-', '.', ':', '\n'])
        .find(is_hex)
        .map(|part| part[..SHOWN].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_of_this_process_is_found() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let link = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&socket));
        let link = fs::read_link(link).unwrap();
        let inode = link.to_str().unwrap().trim_start_matches("socket:[");
        let inode = inode.trim_end_matches(']').parse().unwrap();
        let mut owners = Owners::default();
        assert!(!owners.know([inode].into_iter()));
        owners.look();
        assert_eq!(owners.of(inode).unwrap().pid, std::process::id());
    }

    #[test]
    fn containers_are_told_by_their_digits() {
        let id = "0123456789abcdef".repeat(4);
        for group in [
            format!("0::/system.slice/docker-{id}.scope\n"),
            format!("12:cpu:/docker/{id}\n"),
            format!("0::/kubepods.slice/cri-containerd-{id}.scope"),
            format!("0::/machine.slice/libpod-{id}.scope/container"),
        ] {
            assert_eq!(
                container(&group).as_deref(),
                Some("0123456789ab"),
                "{group}"
            );
        }
        assert_eq!(container("0::/user.slice/user-1000.slice\n"), None);
    }
}
