//! Comma-separated values that a spreadsheet cannot be made to run.

/// One line of RFC 4180, its cells quoted where they need it.
///
/// A cell that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, "CSV
/// Injection").
pub fn line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let mut line = String::new();
    push_line(&mut line, cells);
    line
}

/// Appends such a line.
pub fn push_line<'a>(line: &mut String, cells: impl IntoIterator<Item = &'a str>) {
    for (place, cell) in cells.into_iter().enumerate() {
        if place > 0 {
            line.push(',');
        }
        push_cell(line, cell);
    }
    line.push_str("\r\n");
}

fn push_cell(line: &mut String, cell: &str) {
    let runs = cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err();
    let guard = if runs { "'" } else { "" };
    if cell.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) {
        line.extend(["\"", guard, &cell.replace('"', "\"\""), "\""]);
    } else {
        line.extend([guard, cell]);
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
