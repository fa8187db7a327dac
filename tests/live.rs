//! `tcplens live`, watched at work: real sockets talk in a network namespace of their own, and what
//! is told is held against what they did and what the kernel says.
//!
//! Each test runs again inside a user and network namespace that `unshare` makes, where it is root
//! and nobody else's traffic passes. Where that can't be had a test says so and is passed over,
//! except where `CI` is set: there it fails.
#![cfg(target_os = "linux")]

mod namespace;
mod pty;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use expect_test::expect_file;
use namespace::{in_namespace, ip};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{self, AddressFamily, SockFlag, SockType, SockaddrIn, setsockopt, sockopt};
use nix::unistd::Pid;
use pty::{Folder, OnScreen, wait_until};
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tcplens");
/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Two ends of a cable, `one` and `two`, both up. What `one` sends to 10.9.0.2 comes out of `two`.
fn cable() {
    let quiet = "/proc/sys/net/ipv6/conf/default/disable_ipv6";
    let _ = fs::write(quiet, "1");
    ip("link add one type veth peer name two");
    ip("addr add 10.9.0.1/24 dev one");
    ip("link set one up");
    ip("link set two up");
    ip("neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev one");
    // Until the kernel has noticed that the other end is there, what is sent is thrown away.
    wait_until("the cable", || {
        let shown = Command::new("ip").args(["link", "show", "one"]).output();
        String::from_utf8_lossy(&shown.expect("ip").stdout).contains("state UP")
    });
}

/// `tcplens live` at work.
struct Live {
    child: Child,
    lines: mpsc::Receiver<Value>,
    seen: Vec<Value>,
}

impl Live {
    /// Starts it, and waits until its interfaces are open.
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(["live", "--format", "ndjson", "--interval", "0"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("tcplens starts");
        let output = child.stdout.take().expect("its output");
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let value = serde_json::from_str(&line).expect("a line of JSON");
                if sender.send(value).is_err() {
                    break;
                }
            }
        });
        let mut live = Self {
            child,
            lines,
            seen: Vec::new(),
        };
        live.wait_for("it begins", |each| each["type"] == "live");
        live
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }

    /// Waits for a line that this holds for, among those that have come too.
    fn wait_for(&mut self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        if let Some(found) = self.seen.iter().find(|each| holds(each)) {
            return found.clone();
        }
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                let mut errors = String::new();
                let _ = kill(self.pid(), Signal::SIGKILL);
                if let Some(mut stderr) = self.child.stderr.take() {
                    let _ = stderr.read_to_string(&mut errors);
                }
                panic!("waited for: {what}\n{errors}\n{:#?}", self.seen);
            };
            self.seen.push(line.clone());
            if holds(&line) {
                return line;
            }
        }
    }

    /// Ctrl-C; all lines, and what was said on standard error.
    fn end(mut self) -> (Vec<Value>, String) {
        let _ = kill(self.pid(), Signal::SIGINT);
        let status = self.child.wait().expect("it ends");
        let mut errors = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            let _ = stderr.read_to_string(&mut errors);
        }
        assert!(status.success(), "{status}: {errors}");
        self.seen.extend(self.lines.iter());
        (self.seen, errors)
    }
}

/// `tcplens live` on a terminal of its own.
fn on_screen(arguments: &[&str], folder: &Folder) -> OnScreen {
    let mut command = Command::new(PROGRAM);
    command.args(["live", "-i", "lo"]).args(arguments);
    command.current_dir(&folder.0);
    OnScreen::run(command, &folder.0)
}

fn of_type<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|each| each["type"] == kind).collect()
}

fn last_figures(lines: &[Value]) -> &Value {
    let found = lines.iter().rfind(|each| each["type"] == "figures");
    found.expect("the last figures")
}

/// The connection to this port of the server, or from it: its last line.
fn told_of(lines: &[Value], port: u16) -> &Value {
    let of = |each: &&Value| {
        ["closed", "connection"]
            .iter()
            .any(|kind| each["type"] == *kind)
            && (each["server"]["port"] == port || each["client"]["port"] == port)
    };
    lines.iter().rfind(of).expect("the connection")
}

/// An address that this test has not used yet, with a port that the kernel does not choose by
/// itself: those come again, for another connection of the same test, once in some thousand runs.
fn unused() -> SocketAddrV4 {
    static NEXT: AtomicU16 = AtomicU16::new(4000);
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Both ends of a connection between ports that no other connection of the test has.
fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(unused()).expect("a listener");
    let SocketAddr::V4(to) = listener.local_addr().expect("its address") else {
        panic!("it is of IPv4");
    };
    let (family, kind) = (AddressFamily::Inet, SockType::Stream);
    let client = socket::socket(family, kind, SockFlag::SOCK_CLOEXEC, None).expect("a socket");
    socket::bind(client.as_raw_fd(), &SockaddrIn::from(unused())).expect("its port");
    socket::connect(client.as_raw_fd(), &SockaddrIn::from(to)).expect("a connection");
    let (server, _) = listener.accept().expect("the other end");
    (TcpStream::from(client), server)
}

fn port(socket: &TcpStream) -> u16 {
    socket.local_addr().expect("its address").port()
}

fn send(from: &mut TcpStream, to: &mut TcpStream, len: usize) {
    let bytes = vec![7; len];
    thread::scope(|scope| {
        scope.spawn(|| from.write_all(&bytes).expect("sent"));
        to.read_exact(&mut vec![0; len]).expect("received");
    });
}

/// Reads until the other end has closed.
fn drain(socket: &mut TcpStream) {
    let _ = socket.read_to_end(&mut Vec::new());
}

#[test]
fn what_sockets_did_is_told() {
    in_namespace("what_sockets_did_is_told", || {
        let mut live = Live::start(&["-i", "lo"]);

        let (mut client, mut server) = pair();
        let by_client = port(&client);
        send(&mut client, &mut server, 300_000);
        send(&mut server, &mut client, 1234);
        drop(client);
        drain(&mut server);
        drop(server);

        let (mut client, mut server) = pair();
        let half_closed = port(&client);
        send(&mut client, &mut server, 10);
        client.shutdown(Shutdown::Write).expect("a FIN");
        drain(&mut server);
        send(&mut server, &mut client, 77_777);
        drop(server);
        drain(&mut client);

        let (client, server) = pair();
        let reset = port(&client);
        let at_once = libc::linger {
            l_onoff: 1,
            l_linger: 0,
        };
        setsockopt(&client.as_fd(), sockopt::Linger, &at_once).expect("linger");
        drop(client);
        drop(server);

        let refused = unused();
        assert!(TcpStream::connect(refused).is_err());

        let (mut client, mut server) = pair();
        let open = port(&client);
        send(&mut client, &mut server, 5000);
        send(&mut server, &mut client, 60_000);

        let is_last = |each: &Value| each["type"] == "opened" && each["client"]["port"] == open;
        live.wait_for("the last connection", is_last);
        let kernel = |each: &Value| {
            each["type"] == "kernel"
                && each["connection"] == 4
                && each["differs"] == Value::Array(vec![])
        };
        let of_kernel = live.wait_for("the kernel's view of it", kernel);
        assert_eq!(of_kernel["kernel"]["state"], "ESTABLISHED");
        let process = live.wait_for("the process it is of", |each| each["type"] == "process");
        assert_eq!(process["process"]["pid"], std::process::id());
        let (lines, _) = live.end();

        let figures = last_figures(&lines);
        assert_eq!(
            (&figures["opened"], &figures["open"]),
            (&5.into(), &1.into())
        );
        assert_eq!(figures["missed"], 0);
        for (port, ending, by, from_client, from_server) in [
            (by_client, "graceful", "client", 300_000, 1234),
            (half_closed, "graceful", "client", 10, 77_777),
            (open, "open", "", 5000, 60_000),
        ] {
            let told = told_of(&lines, port);
            assert_eq!(told["ending"], ending, "{told}");
            assert_eq!(told["closed_by"].as_str().unwrap_or(""), by, "{told}");
            assert_eq!(told["client"]["stream_bytes"], from_client, "{told}");
            assert_eq!(told["server"]["stream_bytes"], from_server, "{told}");
            assert_eq!(told["client"]["missing_bytes"], 0, "{told}");
        }
        let told = told_of(&lines, reset);
        assert_eq!(
            (&told["ending"], &told["reset_by"]),
            (&"reset".into(), &"client".into())
        );
        assert_eq!(told_of(&lines, refused.port())["ending"], "refused");
        let states: Vec<String> = lines
            .iter()
            .filter(|each| each["type"] == "state" && each["connection"] == 0)
            .map(|each| {
                format!(
                    "{} {}",
                    each["endpoint"].as_str().unwrap(),
                    each["after"].as_str().unwrap()
                )
            })
            .collect();
        let of = |endpoint: &str| {
            let of = states
                .iter()
                .filter_map(|state| state.strip_prefix(endpoint));
            of.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            of("client "),
            "SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT"
        );
        assert_eq!(
            of("server "),
            "SYN-RECEIVED ESTABLISHED CLOSE-WAIT LAST-ACK CLOSED"
        );
        // Nothing of what the kernel says kept differing.
        let differing: Vec<_> = of_type(&lines, "kernel")
            .into_iter()
            .filter(|each| each["persists"] == true)
            .collect();
        assert!(differing.is_empty(), "{differing:#?}");
        drop((client, server));
    });
}

#[test]
fn filters_choose_before_the_first_frame() {
    in_namespace("filters_choose_before_the_first_frame", || {
        // Before anything is captured, and all the while.
        let noise = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        noise.connect("127.0.0.1:9").expect("connected");
        let (stop, stopped) = mpsc::channel::<()>();
        let noise = thread::spawn(move || {
            while stopped.recv_timeout(Duration::from_millis(1)).is_err() {
                let _ = noise.send(&[0; 10]);
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let address = listener.local_addr().expect("its address");
        let live = Live::start(&["-i", "lo", "tcp", "port", &address.port().to_string()]);
        let first = TcpStream::connect(address).expect("a connection");
        let (other, _end) = pair();
        let (mut served, _) = listener.accept().expect("the other end");
        drop((first, other));
        drain(&mut served);
        drop(served);
        thread::sleep(Duration::from_millis(100));
        let (lines, _) = live.end();
        stop.send(()).expect("it listens");
        noise.join().expect("it ends");
        // SYN, SYN-ACK, ACK; FIN and its ACK, twice: some of them in one.
        let frames = last_figures(&lines)["frames"].as_u64().expect("a number");
        assert!((6..=7).contains(&frames), "{frames}");
        assert_eq!(last_figures(&lines)["opened"], 1);
        assert_eq!(lines[0]["filter"], format!("tcp port {}", address.port()));
    });
}

#[test]
fn a_filter_that_is_none_is_refused_with_its_place() {
    in_namespace("a_filter_that_is_none_is_refused_with_its_place", || {
        let output = Command::new(PROGRAM)
            .args(["live", "-i", "lo", "-f", "tcp prot 80"])
            .output()
            .expect("tcplens runs");
        assert_eq!(output.status.code(), Some(2));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.ends_with("  tcp prot 80\n      ^^^^\n"), "{errors}");
        let output = Command::new(PROGRAM)
            .args(["live", "-i", "nothing0"])
            .output()
            .expect("tcplens runs");
        assert_eq!(output.status.code(), Some(2));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            errors.contains("nothing0: there is no such interface"),
            "{errors}"
        );
    });
}

#[test]
fn drops_are_counted_to_the_frame() {
    in_namespace("drops_are_counted_to_the_frame", || {
        const SENT: u64 = 20_000;
        cable();
        let mut live = Live::start(&["-i", "two", "-B", "512K", "udp", "port", "9"]);
        live.wait_for("the interface", |each| each["type"] == "interface");
        kill(live.pid(), Signal::SIGSTOP).expect("it stands still");
        let socket = UdpSocket::bind("10.9.0.1:0").expect("a socket");
        let mut sent = 0;
        while sent < SENT {
            // A full queue of the device is no loss: nothing was sent.
            sent += u64::from(socket.send_to(&[0; 200], "10.9.0.2:9").is_ok());
        }
        kill(live.pid(), Signal::SIGCONT).expect("it goes on");
        let missed = live.wait_for("what was missed", |each| each["type"] == "missed");
        assert_eq!(missed["interface"], 0);
        thread::sleep(Duration::from_millis(300));
        let (lines, _) = live.end();
        let figures = last_figures(&lines);
        let number = |name: &str| figures[name].as_u64().expect("a number");
        assert!(number("missed") > 0 && number("frames") > 0, "{figures}");
        assert_eq!(number("missed") + number("frames"), SENT, "{figures}");
    });
}

/// Sends so many datagrams from `one`.
fn datagrams(socket: &UdpSocket, count: usize) {
    for _ in 0..count {
        socket.send_to(&[0; 20], "10.9.0.2:9").expect("sent");
    }
}

/// Waits until so many frames were recorded, by the size of the file: 94 octets and more each.
fn frames_in(path: &Path) -> usize {
    let output = Command::new(PROGRAM)
        .args(["packets", "--format", "ndjson"])
        .arg(path)
        .output()
        .expect("tcplens reads");
    String::from_utf8_lossy(&output.stdout).lines().count()
}

#[test]
fn an_interface_goes_down_away_and_comes_back() {
    in_namespace("an_interface_goes_down_away_and_comes_back", || {
        cable();
        ip("link set two down");
        let mut early = Live::start(&["-i", "two"]);
        early.wait_for("it is down", |each| {
            each["type"] == "notice" && each["text"] == "two is down; waiting for it"
        });
        early.end();
        ip("link set two up");
        let folder = Folder::new("flap");
        let file = folder.0.join("a.pcapng");
        let path = file.to_str().expect("a name");
        let mut live = Live::start(&["-i", "two", "-w", path, "udp"]);
        let notice = |live: &mut Live, text: &str| {
            live.wait_for(text, |each| {
                each["type"] == "notice" && each["text"] == text
            });
        };
        let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
        live.wait_for("the interface", |each| each["type"] == "interface");
        datagrams(&socket, 5);
        ip("link set two down");
        notice(&mut live, "two went down; waiting for it");
        ip("link set two up");
        notice(&mut live, "two is up");
        datagrams(&socket, 5);
        wait_until("ten frames", || frames_in(&file) == 10);
        ip("link del two");
        notice(&mut live, "two was removed; waiting for one of that name");
        cable();
        notice(&mut live, "two is there again");
        datagrams(&socket, 5);
        wait_until("fifteen frames", || frames_in(&file) == 15);
        let (lines, _) = live.end();
        assert_eq!(last_figures(&lines)["frames"], 15);
    });
}

/// A UDP datagram to port 9, in VLAN 5.
fn tagged_datagram() -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x81, 0, 0, 5, 8, 0];
    frame.extend([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0]);
    frame.extend([10, 8, 0, 1, 10, 8, 0, 2]);
    frame.extend([0x30, 0x39, 0, 9, 0, 8, 0, 0]);
    frame
}

/// Sends a whole frame on an interface.
#[allow(unsafe_code, reason = "no safe wrapper takes a packet address")]
fn put_on(interface: &str, frame: &[u8]) {
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
    use std::os::fd::AsRawFd;
    let flags = SockFlag::empty();
    let socket = socket(AddressFamily::Packet, SockType::Raw, flags, None).expect("a socket");
    // SAFETY: all fields are numbers, for which zero is a value.
    let mut to: libc::sockaddr_ll = unsafe { core::mem::zeroed() };
    to.sll_family = libc::AF_PACKET as u16;
    to.sll_halen = 6;
    to.sll_ifindex = nix::net::if_::if_nametoindex(interface).expect("an interface") as i32;
    // SAFETY: the frame and the address are as long as is said.
    let sent = unsafe {
        libc::sendto(
            socket.as_raw_fd(),
            frame.as_ptr().cast(),
            frame.len(),
            0,
            core::ptr::from_ref(&to).cast(),
            size_of::<libc::sockaddr_ll>() as libc::socklen_t,
        )
    };
    assert_eq!(
        sent,
        frame.len() as isize,
        "{}",
        std::io::Error::last_os_error()
    );
}

#[test]
fn tags_are_seen_and_filtered() {
    in_namespace("tags_are_seen_and_filtered", || {
        cable();
        let live = |filter: &str| {
            let words: Vec<&str> = filter.split(' ').collect();
            Live::start(&[&["-i", "two", "--count", "100"], words.as_slice()].concat())
        };
        let watching = [
            "vlan and udp",
            "vlan 5 and udp port 9",
            "vlan 7",
            "udp",
            "udp and not vlan",
        ];
        let watching: Vec<_> = watching.map(live).into_iter().collect();
        let folder = Folder::new("tags");
        let file = folder.0.join("a.pcapng");
        let recorded = Live::start(&["-i", "two", "-w", file.to_str().expect("a name"), "udp"]);
        let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
        datagrams(&socket, 3);
        for _ in 0..4 {
            put_on("one", &tagged_datagram());
        }
        thread::sleep(Duration::from_millis(300));
        let counts: Vec<_> = watching
            .into_iter()
            .map(|live| last_figures(&live.end().0)["frames"].as_u64())
            .collect();
        assert_eq!(counts, [Some(4), Some(4), Some(0), Some(7), Some(3)]);
        recorded.end();
        let output = Command::new(PROGRAM)
            .args(["packets", "--format", "ndjson"])
            .arg(&file)
            .output()
            .expect("tcplens reads");
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(text.matches("\"vlans\":[5]").count(), 4, "{text}");
    });
}

#[test]
fn several_interfaces_and_any() {
    in_namespace("several_interfaces_and_any", || {
        cable();
        let both = Live::start(&["-i", "lo", "-i", "two", "udp", "port", "9"]);
        let any = Live::start(&["-i", "any", "udp", "port", "9"]);
        let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
        datagrams(&socket, 3);
        for _ in 0..4 {
            // Nobody listens: the answer is ICMP.
            let _ = socket.send_to(&[0; 20], "127.0.0.1:9");
        }
        thread::sleep(Duration::from_millis(300));
        let (lines, _) = both.end();
        assert_eq!(last_figures(&lines)["frames"], 7);
        let names: Vec<_> = of_type(&lines, "interface")
            .iter()
            .map(|each| each["name"].as_str().unwrap_or("?").to_owned())
            .collect();
        assert_eq!(names, ["lo", "two"]);
        // `any` sees the cable at both ends, and loopback once.
        let (lines, _) = any.end();
        assert_eq!(last_figures(&lines)["frames"], 10);
        assert_eq!(of_type(&lines, "interface").len(), 3);
    });
}

#[test]
fn recordings_rotate_and_are_read_back() {
    in_namespace("recordings_rotate_and_are_read_back", || {
        let folder = Folder::new("rotate");
        let base = folder.0.join("r");
        let live = Live::start(&[
            "-i",
            "lo",
            "-w",
            base.to_str().expect("a name"),
            "-C",
            "50K",
            "--comments",
            "tcp",
        ]);
        let (mut client, mut server) = pair();
        for _ in 0..100 {
            send(&mut client, &mut server, 1000);
        }
        drop((client, server));
        thread::sleep(Duration::from_millis(300));
        let (lines, errors) = live.end();
        assert!(errors.contains("frames recorded in"), "{errors}");
        let mut files: Vec<PathBuf> = fs::read_dir(&folder.0)
            .expect("the folder")
            .map(|entry| entry.expect("a file").path())
            .collect();
        files.sort();
        assert!(files.len() > 2, "{files:?}");
        for file in &files[..files.len() - 1] {
            let len = fs::metadata(file).expect("a file").len();
            assert!((40_000..60_000).contains(&len), "{len}");
        }
        let frames: usize = files.iter().map(|file| frames_in(file)).sum();
        assert_eq!(last_figures(&lines)["frames"], frames);
        let output = Command::new(PROGRAM)
            .args(["analyze", "--format", "ndjson"])
            .args(&files)
            .output()
            .expect("tcplens reads");
        assert!(output.status.success());
        let text = String::from_utf8_lossy(&output.stdout);
        let connection = text
            .lines()
            .find(|line| line.starts_with("{\"type\":\"connection\""));
        let connection: Value = serde_json::from_str(connection.expect("one")).expect("JSON");
        assert_eq!(connection["client"]["stream_bytes"], 100_000);
    });
}

#[test]
fn what_can_not_be_recorded_is_told() {
    in_namespace("what_can_not_be_recorded_is_told", || {
        let folder = Folder::new("refused");
        let live = |file: &str, more: &[&str]| {
            let output = Command::new(PROGRAM)
                .current_dir(&folder.0)
                .args(["live", "-i", "lo", "--duration", "0.3", "-w", file])
                .args(more)
                .stdin(Stdio::null())
                .output()
                .expect("tcplens runs");
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            (output.status.code(), errors)
        };
        for (file, more, says) in [
            ("-", &[][..], "-w - is not possible"),
            ("%S/a.pcapng", &["-G", "1"], "not in its folder's"),
            ("%S.pcapng", &["-G", "0"], "at least a second"),
            (
                "/dev/full",
                &[],
                "recording ended early: /dev/full: No space left",
            ),
        ] {
            let (code, errors) = live(file, more);
            assert_eq!(code, Some(2), "{file}: {errors}");
            assert!(errors.contains(says), "{file}: {errors}");
        }
        // The first file is named by the time at which it begins.
        assert_eq!(live("at-%Y.pcapng", &["-G", "3600"]).0, Some(0));
        let names = fs::read_dir(&folder.0).expect("the folder");
        let names: Vec<_> = names
            .map(|entry| entry.expect("a file").file_name())
            .collect();
        assert_eq!(names.len(), 1, "{names:?}");
        let name = names[0].to_string_lossy().into_owned();
        assert!(name.starts_with("at-2"), "{name}");
    });
}

#[test]
fn what_was_recorded_before_a_crash_is_there() {
    in_namespace("what_was_recorded_before_a_crash_is_there", || {
        cable();
        let folder = Folder::new("crash");
        let recorded = folder.0.join("all.pcapng");
        let file = recorded.to_str().expect("a name");
        let mut live = Live::start(&["-i", "two", "-w", file, "udp"]);
        live.wait_for("the interface", |each| each["type"] == "interface");
        // Slow, and without a pause in which nothing comes.
        let socket = UdpSocket::bind("10.9.0.1:0").expect("a socket");
        let stop = std::sync::atomic::AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    datagrams(&socket, 1);
                    thread::sleep(Duration::from_millis(5));
                }
            });
            // Far less than is written at once.
            wait_until("frames in the file", || frames_in(&recorded) >= 20);
            kill(live.pid(), Signal::SIGKILL).expect("killed");
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        let _ = live.child.wait();
        assert!(frames_in(&recorded) >= 20);
    });
}

#[test]
fn rights_are_gone_before_the_first_packet() {
    in_namespace("rights_are_gone_before_the_first_packet", || {
        let mut live = Live::start(&["-i", "lo"]);
        assert_eq!(
            live.seen[0]["confined"],
            serde_json::json!({"files": true, "calls": true})
        );
        live.wait_for("the interface", |each| each["type"] == "interface");
        let path = format!("/proc/{}/task", live.pid());
        let mut threads = 0;
        for task in fs::read_dir(path).expect("its threads") {
            let status = task.expect("a thread").path().join("status");
            let status = fs::read_to_string(status).expect("its status");
            let field = |name: &str| {
                let line = status.lines().find_map(|line| line.strip_prefix(name));
                line.expect("the field").trim().to_owned()
            };
            for name in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
                assert_eq!(field(name).trim_start_matches('0'), "", "{name}");
            }
            assert_eq!(field("NoNewPrivs:"), "1");
            assert_eq!(field("Seccomp:"), "2");
            threads += 1;
        }
        assert!(threads >= 1);
        live.end();
    });
}

#[test]
fn without_rights_the_ways_to_get_them_are_told() {
    // Nobody's user namespace, without the right in it: not root there, unless root tests.
    in_namespace("without_rights_the_ways_to_get_them_are_told", || {
        let output = Command::new("setpriv")
            .args([
                "--bounding-set=-all",
                "--inh-caps=-all",
                "--securebits=+noroot",
            ])
            .arg(PROGRAM)
            .args(["live", "-i", "lo"])
            .output();
        let Ok(output) = output else {
            assert!(std::env::var_os("CI").is_none(), "setpriv (util-linux)");
            return;
        };
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        for way in ["sudo", "setcap cap_net_raw,cap_net_admin+eip", "group"] {
            assert!(errors.contains(way), "{errors}");
        }
        assert!(
            !errors.contains("EPERM") && !errors.contains("not permitted"),
            "{errors}"
        );
    });
}

/// What people are shown: of a capture, whose times stand still.
#[test]
fn lines_for_people() {
    for (file, expected) in [
        (
            "fast-retransmit.pcap",
            expect_file!["expected/live-fast-retransmit.txt"],
        ),
        (
            "reset-by-linger.pcap",
            expect_file!["expected/live-reset.txt"],
        ),
    ] {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/captures");
        let input = fs::File::open(format!("{folder}/{file}")).expect("the fixture");
        let output = Command::new(PROGRAM)
            .args(["live", "--interval", "0", "-"])
            .env("LC_ALL", "C.UTF-8")
            .stdin(input)
            .output()
            .expect("tcplens runs");
        assert!(output.status.success());
        expected.assert_eq(&String::from_utf8_lossy(&output.stdout));
    }
}

/// A pipe that is damaged is told of, and what was good before it.
#[test]
fn a_display_filter_chooses_what_is_told() {
    in_namespace("a_display_filter_chooses_what_is_told", || {
        let (mut wanted, mut answering) = pair();
        let (mut other, mut silent) = pair();
        let filter = format!("tcp.port == {} && tcp.len > 0", port(&wanted));
        let mut live = Live::start(&["-i", "lo", "--no-host", "-Y", &filter]);
        live.wait_for("the interface", |each| each["type"] == "interface");
        send(&mut other, &mut silent, 10);
        send(&mut wanted, &mut answering, 10);
        live.wait_for("its connection", |each| each["type"] == "opened");
        let (lines, _) = live.end();
        let opened = of_type(&lines, "opened");
        assert_eq!(opened.len(), 1, "{opened:#?}");
        told_of(&lines, port(&wanted));
        // Both are followed all the same.
        assert_eq!(last_figures(&lines)["opened"], 2);
        assert_eq!(of_type(&lines, "connection").len(), 1);
    });
}

#[test]
fn a_damaged_pipe() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/captures/close-by-client.pcap"
    );
    let mut bytes = fs::read(file).expect("the fixture");
    bytes.truncate(bytes.len() - 7);
    let mut child = Command::new(PROGRAM)
        .args(["live", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("tcplens starts");
    let mut input = child.stdin.take().expect("its input");
    input.write_all(&bytes).expect("written");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("damaged at byte"), "{errors}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 connection seen"));
}

#[test]
fn a_pipe_is_a_live_source() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/captures/close-by-client.pcap"
    );
    let mut child = Command::new(PROGRAM)
        .args(["live", "--format", "ndjson", "-", "tcp", "port", "8080"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("tcplens starts");
    let bytes = fs::read(file).expect("the fixture");
    child
        .stdin
        .take()
        .expect("its input")
        .write_all(&bytes)
        .expect("written");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success());
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(last_figures(&lines)["opened"], 1, "{text}");
    assert_eq!(of_type(&lines, "closed").len(), 1, "{text}");
}

#[test]
fn what_happens_now_is_on_the_screen() {
    in_namespace("what_happens_now_is_on_the_screen", || {
        let folder = Folder::new("screen");
        let mut screen = on_screen(&[], &folder);
        screen.waits_for("1 Connections 0");
        let (mut client, mut server) = pair();
        let own = format!("127.0.0.1:{}", port(&client));
        send(&mut client, &mut server, 5000);
        screen.waits_for(&own).waits_for("1 Connections 1");
        // Whose it is, and what the kernel says of it.
        screen.presses("\r").waits_for("The kernel says");
        let process = format!("pid {}, user ", std::process::id());
        screen.waits_for(&process).waits_for("5,000");
        // The page goes on with its connection.
        send(&mut server, &mut client, 7000);
        screen.waits_for("7,000");
        // What is to come is recorded, and read back; not where it has given up to write.
        screen.presses("qr").waits_for("record to lo-2");
        screen.presses("\u{15}/now.pcapng\r");
        screen.waits_for("/now.pcapng: this screen is confined");
        screen.presses("r").waits_for("record to lo-2");
        screen.presses("\u{15}now.pcapng\r").waits_for(" rec ");
        screen.waits_for("recording to now.pcapng");
        send(&mut server, &mut client, 1);
        let recorded = folder.0.join("now.pcapng");
        wait_until("frames in the file", || frames_in(&recorded) >= 1);
        drop(client);
        screen.waits_for("half-closed");
        drop(server);
        screen.waits_for("graceful");
        screen.presses("r").waits_for("recorded in now.pcapng");
        assert!(frames_in(&recorded) >= 4, "{}", frames_in(&recorded));
        // It shows a screen without a single right.
        let status = format!("/proc/{}/status", screen.child.id());
        let status = fs::read_to_string(status).expect("its status");
        assert!(status.contains("CapEff:\t0000000000000000"), "{status}");
        assert!(status.contains("Seccomp:\t2"), "{status}");
        // It leaves the terminal as it was.
        assert!(screen.terminal.screen().alternate_screen());
        screen.presses("q");
        assert!(screen.child.wait().expect("its end").success());
        screen.hears_out();
        let left = screen.terminal.screen();
        assert!(!left.alternate_screen() && !left.hide_cursor());
    });
}

#[test]
fn a_signal_gives_the_terminal_back() {
    in_namespace("a_signal_gives_the_terminal_back", || {
        let folder = Folder::new("signal");
        let mut screen = on_screen(&["-w", "all.pcapng"], &folder);
        screen.waits_for("1 Connections 0").waits_for(" rec ");
        let (mut client, mut server) = pair();
        send(&mut client, &mut server, 10);
        screen.waits_for("1 Connections 1");
        let pid = Pid::from_raw(screen.child.id() as i32);
        kill(pid, Signal::SIGTERM).expect("told to end");
        assert!(screen.child.wait().expect("its end").success());
        screen.hears_out();
        let left = screen.terminal.screen();
        assert!(!left.alternate_screen(), "{}", screen.shows());
        // What was captured until then is recorded, also what the screen had not shown yet: the
        // handshake, and what was sent.
        assert!(screen.shows().contains("frames recorded in all.pcapng"));
        assert!(frames_in(&folder.0.join("all.pcapng")) >= 4);
    });
}
