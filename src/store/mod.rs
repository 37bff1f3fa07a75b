//! What must be transactional: the manifest of history files and the positions read so far.
