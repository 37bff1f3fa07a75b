//! The keyward program; everything it does is in the library.

use std::process::ExitCode;

/// Many small allocations of many threads are what a scan makes; the system's allocator is slow at it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    keyward::cli::main()
}
