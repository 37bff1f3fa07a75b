//! Comma-separated values that a spreadsheet cannot be made to run.

/// One line of RFC 4180, its cells quoted where they need it.
///
/// A cell that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, "CSV
/// Injection").
pub fn line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = cells.into_iter().map(cell).collect::<Vec<_>>().join(",");
    text.push_str("\r\n");
    text
}

fn cell(text: &str) -> String {
    let runs = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
    let guarded = if runs { format!("'{text}") } else { text.to_owned() };
    if guarded.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_disarmed() {
        assert_eq!(line(["a", "b,c", "say \"x\""]), "a,\"b,c\",\"say \"\"x\"\"\"\r\n");
        assert_eq!(line(["=1+1", "-5", "@x"]), "'=1+1,-5,'@x\r\n");
    }
}
