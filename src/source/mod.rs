//! Reads files, folders and standard input, and cuts them into records with positions.
