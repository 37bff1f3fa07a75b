//! keyward says, for every use of a cryptographic key that an audit log shows, whether the use fits what
//! the key is declared to be for. How to use it is in README.md; this page is how it is built.
//!
//! # The flow
//!
//! ```text
//!  files, folders, standard input
//!    └► source ─► normalize ─► table ─► join ─► catalog: judge ─► detect ─┬─► findings
//!          │         │        (Arrow)          (purpose, verdict)         └─► history (Parquet) ─► query
//!          └─────────┴─► rejects: dead letters, each with a reason
//! ```
//!
//! # One event's walk
//!
//! An application decrypts an order record. Minutes later CloudTrail delivers a gzip file that holds, among
//! thousands, the record of that call. This is what becomes of it, module by module.
//!
//! 1. [`source`] opens the file, sees gzip by its first bytes, recognises the envelope and cuts it into
//!    records, many to a chunk. Our record is a slice of bytes with a position: which input, which byte of
//!    its decompressed stream. A file cut off in the middle gives the records before the cut, and one reject.
//! 2. [`normalize`] reads the slice. A byte search first: whatever names no service that matters is set
//!    aside unparsed. Ours names KMS, so it is parsed into borrowed fields and becomes one [`domain`] key
//!    event: *decrypt*, on the key that the record's resources name, by the role behind the session, on the
//!    application's own behalf. A ReEncrypt would have become two. Pure functions: no clock, no file, no
//!    memory of other records.
//! 3. [`table`] appends the event to the columns of an Arrow batch. The schema is written once, in
//!    [`table::columns`]; SQL, Parquet, the builder and `keyward columns` all come from there.
//! 4. [`pipeline`] joins what needs neighbours, in reading order: an event seen before is dropped and
//!    counted, a Vault request is merged into its response, an alias is learnt as a fact with a date.
//! 5. [`catalog`] judges the batch: it looks up each distinct key once, takes the declared columns, and tests
//!    every aspect that the entry constrains. Ours is used by the right role, directly, in the right region,
//!    and for a tenant that is not among the declared ones: `violation`, with the aspect `context`.
//! 6. [`detect`] evaluates each detector's `match`, a SQL expression compiled when it was loaded, over the
//!    whole batch at once. KP-007 is true for our row and becomes a finding, with a sentence that lets a person
//!    decide.
//!    With `--emit alerts`, [`alerts`] folds all findings about one key and principal within a day into one.
//!    Detectors with a [`detect::window`] remember: a burst, a caller never seen before, one step after another.
//! 7. [`history`] appends the batch to Parquet, one partition per event day, and seals: files written, synced
//!    and renamed, then one transaction of [`store`] that holds their manifest rows and the positions they
//!    cover. A crash before it leaves no trace, after it nothing to repeat. Beside the events it writes what they
//!    add to usage and facts, and with the positions what was read of which source.
//! 8. [`cli`] prints the finding and the summary, in which [`metrics`]' account of records adds up:
//!    received = gave events + merged + irrelevant + duplicates + rejects.
//!
//! The service keeps alerts instead of printing them: [`alerts::Keeper`] writes findings, the alerts that they fold into
//! and the pages that people are to see in one transaction of [`store`], and [`notify`] routes the
//! pages to channels and sends them until they arrive.
//! What people make of alerts from then on is [`alerts::life`], which [`api`] and [`cli`] let them at. [`respond`] reads the
//! same pages, proposes what undoes the damage, and once people approved has it done by a receiver that holds the rights.
//!
//! Questions take the way back: [`cli`] plans SQL with [`sql`], which reads the files that the manifest
//! names and holds every query to its limits.
//!
//! # Layers
//!
//! Imports point down; `tests/it/layers.rs` reads `src/` and says so.
//!
//! | layer | modules | may import |
//! |---|---|---|
//! | 0 | [`domain`]: the words everything else is written in | nothing of ours |
//! | 1 | [`config`], [`metrics`], [`table`], [`sql`], [`store`] | 0, and those before it |
//! | 2 | [`source`], [`normalize`], [`catalog`], [`detect`], [`alerts`], [`history`], [`notify`], [`respond`] | 0 and 1, never each other |
//! | 3 | [`pipeline`]: the loop, and the generator behind `keyward demo` and `keyward bench`; [`api`]: what the service answers over HTTP | 0 to 2 |
//! | 4 | [`app`], the only place that constructs and reads the clock, and [`cli`] | all |
//!
//! The middle is pure: normalizing, building, judging and detecting are functions of their arguments. Time is
//! an argument, ids are hashes of what they are about, and nothing is drawn; so the same logs with the same
//! catalog give the same findings, whatever the day, the number of threads or the cut into batches.
//!
//! # Words
//!
//! The same word is used for the same thing in code, SQL, YAML, metrics and pages.
//!
//! | word | meaning |
//! |---|---|
//! | record | one JSON object of a log, as its source wrote it |
//! | key event | one normalized row: a use of a key, or a change to a key, its policy, or the logging that watches it |
//! | function | what was done, in KMIP's usage-mask terms: encrypt, unwrap, sign, retrieve … ([`domain::function`]) |
//! | purpose | what a key is *for*, exactly one per key, of SP 800-57's key types ([`domain::purpose`]) |
//! | use | the one business use: `order-records`, `model-releases` |
//! | catalog entry | a declared key: its names in the logs, its purpose, who may use it, through what, for what, when |
//! | class | a declaration by rule instead of by name |
//! | principal | who called, without the session: a role, a user, a service, `approle:ROLE`, `root` |
//! | via | `direct`, or the service that called for the principal |
//! | outcome | what became of the call; attempts are judged too, since they are evidence |
//! | verdict | conforming, violation (with all violated aspects), undeclared, unknown (the log hides what is needed; never shown as a pass), not_applicable ([`domain::verdict`]) |
//! | aspect | what can be wrong: function, principal, algorithm, via, context … |
//! | exception | an aspect lifted for named callers until a date, on somebody's word |
//! | window | what a detector remembers of a group of rows, over a span of event time |
//! | pane | a sixth of a window, aligned to the epoch; counts add up by pane, whatever the order |
//! | detector | a SQL expression with a level and its own proof; a *blind* one lacks a source or field it needs, which is not the same as quiet |
//! | finding | one detector's hit on one event, or on a group of events within a window |
//! | alert | findings folded: by default all about one key and principal within a day, whatever the detector |
//! | campaign | an alert that speaks for many: one caller at many keys, or many callers at one key, within minutes |
//! | page | what people are told of an alert at once; repeated only for news |
//! | transition | how often an alert was opened: a resolved one that is opened again begins its next |
//! | disposition | what somebody judged an alert to be: true or false positive, benign, accepted risk |
//! | journal | every change to an alert and every silence, with who, when and why; added to, never changed |
//! | silence | what pages nobody until a date, on somebody's word and for a reason |
//! | incident | unresolved alerts that share a campaign, a key or a principal, as many as a person looks through |
//! | channel | a way in which people or machines are told: mail, a pager, a chat, a webhook, syslog … |
//! | route | which pages go to whom: a place in a tree; the deepest that fits has the say |
//! | delivery | a page on its way to one channel, under an id and with a body that never change |
//! | summary | one message for the pages that a channel has no room for or gathers, with their true counts |
//! | reminder | a page told again, or to others, because nobody acknowledged |
//! | playbook | which alerts call for which steps, and which receiver carries them out |
//! | action | one step for one alert: proposed, approved, done, verified, taken back; or stopped, with a reason |
//! | receiver | a program of the operator's that holds the rights which keyward has not |
//! | impact | what an action would break, as far as history shows; what history does not cover is part of it |
//! | reject | a record that could not be understood, kept with its reason and position |
//! | account of records | where every record received went; it adds up |
//! | seal | a set of history files and the one transaction that makes them, and the positions they cover, true |
//! | usage, facts | what a seal's events add to who used which key how, by hour, and to what is known of each key; kept when events expire |
//! | coverage | which spans of which source were read, and which were lost, dropped, or passed while nobody ran |
//!
//! # Decisions
//!
//! Each with its date and reason; the oldest first.
//!
//! - **2026-11-24** One package, library and binary. The layers are kept by a test instead of by crate
//!   borders: every further crate would be linked again, and the test costs milliseconds.
//! - **2026-11-24** A key event is one wide row of fixed columns. What differs by provider and matters to few
//!   detectors stays JSON in `request` and `response`, kept only for changes, so that the common row stays small.
//! - **2026-11-24** Records are read into borrowed fields behind a byte search by a reader of our own
//!   (`normalize/json`), since that is what the rate depends on; serde_json reads whatever that one doubts, and is
//!   what it is tested against. It took the place of sonic-rs: 8,200 instead of 12,600 instructions for a record of
//!   1.4 KB, of all records alike, and one dependency with unsafe code less.
//! - **2026-11-24** One profile and one feature set for tests and the demo: DataFusion takes most of a build, and
//!   another feature set would build it again.
//! - **2026-11-24** The demo's catalog is the example that people copy, `deploy/example/catalog.yaml`, compiled in. An
//!   example that nothing runs goes stale.
//! - **2026-11-24** Every metric is one line of [`metrics::table`]; registration, `keyward metrics` and the tests of
//!   dashboards and alert rules come from there, and nothing that an event says becomes a label.
//! - **2026-11-24** The HTTP server takes its connections itself instead of through axum's: a deadline for heads,
//!   and the connection that asks nothing leaving when places run out, cannot be had there.
//! - **2026-11-24** Sigma rules are read by `rsigma-parser` without its default features: three packages more in the
//!   lock (487 to 490), two seconds of one core to check, no tree-sitter and no yamlpatch, which only its repairs need. Places
//!   of mistakes come from our own YAML events, since its tree has none.
//! - **2026-11-24** The demo's traffic comes from SplitMix64 and a fixed start rather than a crate and the clock, so
//!   that two people who look at the demo see the same findings.
//! - **2026-11-24** What windows remember is a sum, a union, a least or a greatest, and the ids of what they find are of
//!   group and pane. So a scan need not sort, threads need not wait for each other's order, and a late event can
//!   still raise an alert.
//! - **2026-11-24** The service stores findings by a thread beside the loop, in their order, and seals wait for it:
//!   of 700,000 records with 22,000 findings, storing those took 5.1 of 10.5 s of processor time. What piled up
//!   while one batch was stored is the next one, so a slow store gets larger batches and not more.
//! - **2026-11-24** A reload that brings detectors with a memory seals what was taken so far. History then holds exactly
//!   what came before, so that it is read in the background while what comes from then on is kept beside, and
//!   nothing is counted twice or not at all. What is complete in history alone is a backtest's to tell.

pub mod alerts;
pub mod api;
pub mod app;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod detect;
pub mod domain;
pub mod history;
pub mod metrics;
pub mod normalize;
pub mod notify;
pub mod pipeline;
pub mod respond;
pub mod source;
pub mod sql;
pub mod store;
pub mod table;
