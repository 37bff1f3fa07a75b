//! Operations through the front door: health, readiness, metrics, reloads, hostile clients, the doctor, and
//! the files that go with them.

mod deployed;
mod doctor;
mod failing;
mod hostile;
mod http;
mod running;
pub mod served;
