//! Declared key purposes, and the judgement of events against them.
