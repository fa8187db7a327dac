//! Writes the captures that the benchmarks read, each as it is usually: `cargo bench --bench inputs
//! -- FOLDER`. What they are is in `tcplens::generator::load`; `tcplens generate` makes others of
//! the same kinds.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;

use tcplens::generator::PcapWriter;
use tcplens::generator::load::{LOADS, Load};
use tcplens::source::{Arrival, Source};
use tcplens::wire::LinkType;

fn main() -> ExitCode {
    // Cargo appends `--bench` to the arguments of every bench target.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let [folder] = arguments.as_slice() else {
        println!("usage: cargo bench --bench inputs -- FOLDER\n\nWrites into it:");
        for load in LOADS {
            println!("  {}.pcap: {}", load.name, load.summary);
        }
        return ExitCode::SUCCESS;
    };
    for load in LOADS {
        let path = Path::new(folder).join(load.name).with_extension("pcap");
        match fs::create_dir_all(folder).and_then(|()| write(load, &path)) {
            Ok(frames) => println!("{}: {frames} frames", path.display()),
            Err(error) => {
                eprintln!("{}: {error}", path.display());
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

fn write(load: &Load, path: &Path) -> io::Result<u64> {
    let out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut file = PcapWriter::new(out, LinkType::ETHERNET)?;
    let mut source = load.source(None, None, 1).map_err(io::Error::other)?;
    let (mut frames, mut result) = (0, Ok(()));
    let end = source.run(&mut |arrival| {
        if let Arrival::Frame(frame) = arrival {
            frames += 1;
            result = file.frame(&frame);
        }
        match result {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    });
    result?;
    end.map_err(io::Error::other)?;
    file.into_inner().flush()?;
    Ok(frames)
}
