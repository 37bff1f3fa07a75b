use super::*;

fn names(inputs: &[Input], root: &Path) -> Vec<String> {
    let relative = |input: &Input| {
        let path = input.path().unwrap();
        path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned()
    };
    inputs.iter().map(relative).collect()
}

fn tree(files: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for file in files {
        let path = root.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    root
}

fn found(root: &tempfile::TempDir, path: &str) -> Result<Vec<String>, SourceError> {
    let path = root.path().join(path).to_string_lossy().into_owned();
    find(&[path]).map(|inputs| names(&inputs, root.path()))
}

#[test]
fn a_folder_is_walked_to_the_bottom_in_the_order_of_names() {
    let root = tree(&["b/2.json", "b/1.json", "a.log", "c/d/e/f", ".hidden"]);
    assert_eq!(found(&root, "").unwrap(), [".hidden", "a.log", "b/1.json", "b/2.json", "c/d/e/f"]);
}

#[test]
fn a_glob_matches_files_and_whole_folders() {
    let root = tree(&["x/1.gz", "x/2.log", "y/1.gz", "y/z/3.gz", "w.gz"]);
    assert_eq!(found(&root, "*/1.gz").unwrap(), ["x/1.gz", "y/1.gz"]);
    assert_eq!(found(&root, "**/*.gz").unwrap(), ["w.gz", "x/1.gz", "y/1.gz", "y/z/3.gz"]);
    assert_eq!(found(&root, "[y]").unwrap(), ["y/1.gz", "y/z/3.gz"]);
    assert_eq!(found(&root, "{x,w}*").unwrap(), ["w.gz", "x/1.gz", "x/2.log"]);
}

#[test]
fn a_file_with_a_name_like_a_glob_is_itself() {
    let root = tree(&["a[1].json", "a1.json"]);
    assert_eq!(found(&root, "a[1].json").unwrap(), ["a[1].json"]);
}

#[test]
fn a_file_named_twice_is_read_once() {
    let root = tree(&["d/a.log", "d/b.log"]);
    let path = |name: &str| root.path().join(name).to_string_lossy().into_owned();
    let inputs = find(&[path("d/b.log"), path("d"), path("d/*.log")]).unwrap();
    assert_eq!(names(&inputs, root.path()), ["d/b.log", "d/a.log"]);
}

#[test]
fn what_is_not_there_is_named_with_what_to_do() {
    let root = tree(&["full/a"]);
    fs::create_dir(root.path().join("empty")).unwrap();
    let error = |path: &str| found(&root, path).unwrap_err();
    assert!(matches!(error("missing.log"), SourceError::Open { path, .. } if path.ends_with("missing.log")));
    assert!(matches!(error("empty"), SourceError::EmptyFolder { .. }));
    assert!(matches!(error("full/*.gz"), SourceError::NoMatch { .. }));
    assert!(matches!(error("nowhere/*.gz"), SourceError::NoMatch { .. }));
    assert!(matches!(error("full/[.gz"), SourceError::Pattern { .. }));
    assert!(matches!(find(&[]), Err(SourceError::NoPaths)));
    assert!(error("missing.log").to_string().contains("missing.log"));
}

#[test]
fn a_dash_is_standard_input_once() {
    let inputs = find(&["-".into(), "-".into()]).unwrap();
    assert_eq!(inputs.len(), 1);
    assert_eq!(&*inputs[0].name, "stdin");
    assert_eq!(inputs[0].size, None);
}

#[test]
fn a_folder_that_links_to_itself_ends() {
    let root = tree(&["a/1.log"]);
    std::os::unix::fs::symlink(root.path(), root.path().join("a/loop")).unwrap();
    assert_eq!(found(&root, "").unwrap(), ["a/1.log"]);
}
