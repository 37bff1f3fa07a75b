//! A batch as the judge sees it: closed vocabularies and addresses decoded once for each distinct value.

use std::cell::OnceCell;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use arrow::array::{Array, RecordBatch, StringArray};

use super::super::principals::Caller;
use crate::domain::event::{CallerKind, Outcome, Provider};
use crate::domain::function::Function;
use crate::table::columns::Column;
use crate::table::rows::Rows;

/// A batch with its decoded columns.
#[derive(Debug)]
pub struct Lens<'a> {
    pub rows: Rows<'a>,
    functions: Vec<Option<Function>>,
    outcomes: Vec<Option<Outcome>>,
    providers: Vec<Option<Provider>>,
    caller_kinds: Vec<Option<CallerKind>>,
    /// Addresses hardly repeat, and few declarations look at them.
    sources: Vec<OnceCell<Source>>,
    addresses: Option<&'a StringArray>,
}

/// What the source of a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Address(IpAddr),
    /// An AWS service, by its DNS name.
    Service,
    /// `AWS Internal`, or anything else.
    Other,
}

impl Source {
    /// Reads what CloudTrail or Vault wrote. Of a list (`81.2.69.142, 192.168.10.10`: a call that was
    /// forwarded) the first address is the caller's own and is the one judged.
    fn of(text: &str) -> Self {
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Self::Address(address.into());
        }
        let first = text.split(',').next().unwrap_or_default().trim();
        let with_port = || first.parse::<SocketAddr>().ok().map(|address| address.ip());
        match first.parse::<IpAddr>().ok().or_else(with_port) {
            Some(address) => Self::Address(address.to_canonical()),
            None if first.ends_with(".amazonaws.com") || first.ends_with(".amazonaws.com.cn") => {
                Self::Service
            }
            None => Self::Other,
        }
    }
}

impl<'a> Lens<'a> {
    /// Looks at `batch`.
    pub fn of(batch: &'a RecordBatch) -> Self {
        let rows = Rows::of(batch);
        Self {
            functions: decode(&rows, Column::Function, Function::from_word),
            outcomes: decode(&rows, Column::Outcome, Outcome::from_word),
            providers: decode(&rows, Column::Provider, Provider::from_word),
            caller_kinds: decode(&rows, Column::CallerKind, CallerKind::from_word),
            sources: vec![OnceCell::new(); rows.dictionary(Column::SourceIp).map_or(0, Array::len)],
            addresses: rows.dictionary(Column::SourceIp),
            rows,
        }
    }

    /// The event in a row.
    pub fn event(&self, row: usize) -> Event<'_, 'a> {
        Event { lens: self, row }
    }

    /// The distinct values of a word column.
    pub fn distinct(&self, column: Column) -> usize {
        self.rows.dictionary(column).map_or(0, Array::len)
    }
}

/// Decodes each distinct value of a word column.
fn decode<T>(rows: &Rows<'_>, column: Column, read: impl Fn(&str) -> T) -> Vec<T> {
    let Some(values) = rows.dictionary(column) else { return Vec::new() };
    (0..values.len())
        .map(|place| read(if values.is_valid(place) { values.value(place) } else { "" }))
        .collect()
}

/// One event of a batch; reads its columns when asked.
#[derive(Debug, Clone, Copy)]
pub struct Event<'l, 'a> {
    lens: &'l Lens<'a>,
    row: usize,
}

impl<'a> Event<'_, 'a> {
    /// The text of a column.
    #[inline]
    pub fn text(&self, column: Column) -> Option<&'a str> {
        self.lens.rows.text(column, self.row)
    }

    /// The dictionary key of a word column, -1 for none.
    #[inline]
    pub fn code(&self, column: Column) -> i32 {
        self.lens.rows.key(column, self.row).unwrap_or(-1)
    }

    /// The number of a column.
    #[inline]
    pub fn integer(&self, column: Column) -> Option<i64> {
        self.lens.rows.integer(column, self.row)
    }

    /// The flag of a column.
    #[inline]
    pub fn flag(&self, column: Column) -> Option<bool> {
        self.lens.rows.flag(column, self.row)
    }

    /// When it happened, in microseconds since the epoch.
    #[inline]
    pub fn time(&self) -> i64 {
        self.lens.rows.time(Column::EventTime, self.row).unwrap_or_default()
    }

    /// What was done with the key.
    #[inline]
    pub fn function(&self) -> Option<Function> {
        self.decoded(&self.lens.functions, Column::Function)?
    }

    /// What became of it.
    #[inline]
    pub fn outcome(&self) -> Option<Outcome> {
        self.decoded(&self.lens.outcomes, Column::Outcome)?
    }

    /// Whether it comes from AWS.
    #[inline]
    pub fn is_aws(&self) -> bool {
        self.decoded(&self.lens.providers, Column::Provider).flatten() == Some(Provider::Aws)
    }

    /// What kind of caller it was.
    #[inline]
    pub fn caller_kind(&self) -> Option<CallerKind> {
        self.decoded(&self.lens.caller_kinds, Column::CallerKind)?
    }

    /// Where it came from.
    pub fn source(&self) -> Option<Source> {
        let place = usize::try_from(self.code(Column::SourceIp)).ok()?;
        let (known, addresses) = (self.lens.sources.get(place)?, self.lens.addresses?);
        let text = if addresses.is_valid(place) { addresses.value(place) } else { "" };
        Some(*known.get_or_init(|| Source::of(text)))
    }

    /// Who it was.
    pub fn caller(&self) -> Caller<'a> {
        Caller {
            principal: self.text(Column::Principal),
            session: self.text(Column::SessionName),
            kind: self.caller_kind(),
        }
    }

    /// Whether an AWS service made the call, for itself or for its customer.
    pub fn is_service_call(&self) -> bool {
        let via = self.text(Column::Via);
        via.is_some_and(|via| via != DIRECT && via != UNNAMED_SERVICE)
            || self.source() == Some(Source::Service)
            || self.caller_kind() == Some(CallerKind::Service)
    }

    #[inline]
    fn decoded<T: Copy>(&self, values: &[T], column: Column) -> Option<T> {
        let code = usize::try_from(self.code(column)).ok()?;
        values.get(code).copied()
    }
}

/// `via` of a call that no service stands behind.
pub const DIRECT: &str = "direct";
/// `via` of a call by a service that the log does not name.
pub const UNNAMED_SERVICE: &str = "unknown";
