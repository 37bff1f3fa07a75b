//! What is pushed: over HTTP, sockets and standard input, through a real listener into a real spool.

mod follow;
mod harness;
mod hostile;
mod http;
mod sockets;
