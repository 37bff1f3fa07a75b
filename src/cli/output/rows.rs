//! Rows of text as a table, JSON lines or CSV.

use super::{Format, csv, terminal};

/// The rows under their header. In JSON a name's spaces are underscores.
pub fn text(format: Format, header: &[&str], rows: &[Vec<String>]) -> String {
    match format {
        Format::Table => terminal::table(header, rows),
        Format::Csv => {
            let lines = rows.iter().map(|row| csv::line(row.iter().map(String::as_str)));
            csv::line(header.iter().copied()) + &lines.collect::<String>()
        }
        Format::Json => rows.iter().map(|row| json_line(header, row)).collect(),
    }
}

fn json_line(header: &[&str], cells: &[String]) -> String {
    let object: serde_json::Map<String, serde_json::Value> =
        header.iter().zip(cells).map(|(name, cell)| (name.replace(' ', "_"), cell.clone().into())).collect();
    format!("{}\n", serde_json::Value::Object(object))
}
