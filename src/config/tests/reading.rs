//! From the disk: what a client reads is enough for the supervisor to see the same project.

use std::path::Path;

use super::lines;
use crate::config::{FileArg, Locate, Ports, load, read};

fn locate(cwd: &Path) -> Locate {
    Locate {
        file: None,
        cwd: cwd.to_owned(),
        profiles: vec!["p".into()],
        env: vec![("HOME".into(), "/h".into())],
        color: true,
        name: None,
    }
}

fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, std::path::PathBuf) {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().canonicalize().unwrap();
    for (name, text) in files {
        std::fs::create_dir_all(dir.join(name).parent().unwrap()).unwrap();
        std::fs::write(dir.join(name), text).unwrap();
    }
    (temp, dir)
}

#[test]
fn a_bundle_holds_everything() {
    let (temp, dir) = folder(&[
        (
            "tspm.yaml",
            "services: {a: {command: x, profiles: [p], env_file: [sub/a.env, {path: no, required: false}]}}",
        ),
        (".env", "A=1"),
        ("sub/a.env", "B=$A$HOME"),
        ("sub/deep/file", ""),
    ]);
    let (bundle, loaded) = read(&locate(&dir.join("sub/deep"))).unwrap();
    let names: Vec<_> = bundle.env_files.iter().map(|(path, content)| (path.clone(), content.is_some())).collect();
    assert_eq!(names, [(dir.join(".env"), true), (dir.join("sub/a.env"), true), (dir.join("no"), false)]);
    // The files are gone; the supervisor does not care.
    drop(temp);
    let again = load(&bundle, &Ports::new()).unwrap();
    assert_eq!(again, loaded);
    let b = &again.project.service("a").unwrap().env[std::ffi::OsStr::new("B")];
    assert_eq!(b.value.to_str(), Some("1/h"));
    assert_eq!(&*b.origin, "sub/a.env:1");
}

#[test]
fn the_name_travels_in_the_bundle() {
    let (_temp, dir) = folder(&[("tspm.yaml", "services: {a: {command: x}}")]);
    let (bundle, loaded) = read(&Locate { name: Some("other".into()), ..locate(&dir) }).unwrap();
    assert_eq!(loaded.project.name, "other");
    assert_eq!(load(&bundle, &Ports::new()).unwrap().project.name, "other");
}

#[test]
fn what_cannot_be_read_is_said() {
    let (_temp, dir) = folder(&[
        ("tspm.yaml", "services: {a: {command: x, env_file: [sub]}}"),
        ("sub/file", ""),
        ("two/tspm.yaml", "services: {a: {command: x}}"),
        ("two/tspm.override.yaml", ""),
        ("three/tspm.yaml/file", ""),
    ]);
    let report = read(&locate(&dir)).unwrap_err();
    assert_eq!(lines(&report), ["env-file 1:39 `sub` cannot be read: it is a folder"]);
    let report = read(&locate(&dir.join("two"))).unwrap_err();
    assert_eq!(lines(&report), ["not-yet - `tspm.override.yaml` is not yet supported by this version"]);
    let named = Locate { file: Some(FileArg::Path("tspm.yaml".into())), ..locate(&dir.join("two")) };
    assert!(read(&named).is_ok());
    let report = read(&locate(&dir.join("three"))).unwrap_err();
    assert_eq!(report.problems[0].code, "unreadable");
}

#[test]
fn a_byte_order_mark_changes_nothing() {
    for (name, text) in [
        ("tspm.yaml", "\u{feff}name: n\nservices:\n  a: {command: x}\n"),
        ("tspm.json", "\u{feff}{\"name\": \"n\", \"services\": {\"a\": {\"command\": \"x\"}}}"),
    ] {
        let (_temp, dir) = folder(&[(name, text)]);
        let (_, loaded) = read(&locate(&dir)).unwrap_or_else(|report| panic!("{}", report.render(false)));
        assert_eq!(loaded.project.name, "n");
    }
    let (_temp, dir) = folder(&[("tspm.yaml", "\u{feff}nam: n\nservices: {a: {command: x}}\n")]);
    let report = read(&locate(&dir)).unwrap_err();
    assert_eq!(lines(&report), ["unknown-key 1:1 `nam` is no key of a project"]);
    assert!(report.render(false).contains("1 | nam: n\n  | ^^^"), "{}", report.render(false));
}

#[test]
fn only_regular_env_files_of_some_size_are_read() {
    let (_temp, dir) = folder(&[]);
    let fifo = dir.join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    std::fs::write(dir.join("large"), vec![b'#'; (1 << 20) + 1]).unwrap();
    for (path, why) in [
        ("/dev/zero", "`/dev/zero` cannot be read: it is no regular file"),
        ("/dev/null", "`/dev/null` cannot be read: it is no regular file"),
        ("fifo", "`fifo` cannot be read: it is no regular file"),
        ("large", "`large` is larger than 1 MiB"),
    ] {
        let text = format!("services: {{a: {{command: x, env_file: [{path}]}}}}");
        std::fs::write(dir.join("tspm.yaml"), text).unwrap();
        // In a process of its own this would hang; here the test would: the harness says so.
        let report = read(&locate(&dir)).unwrap_err();
        assert_eq!(lines(&report), [format!("env-file 1:39 {why}")]);
    }
}

#[test]
fn all_env_files_together_are_limited() {
    let (_temp, dir) = folder(&[]);
    let mut text = String::from("services:\n  a:\n    command: x\n    env_file:\n");
    for n in 0..33 {
        std::fs::write(dir.join(format!("{n}.env")), vec![b'#'; 1 << 20]).unwrap();
        text.extend([format!("      - {n}.env\n")]);
    }
    std::fs::write(dir.join("tspm.yaml"), text).unwrap();
    let Err(report) = read(&locate(&dir)) else { panic!("this should have been refused") };
    let why = "`32.env` cannot be read: all env files together are larger than 32 MiB";
    assert_eq!(lines(&report), [format!("env-file 37:9 {why}")]);
}

/// Every project file of the repository is a good one.
#[test]
fn our_own_examples_are_good() {
    fn visit(dir: &Path, found: &mut usize) {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && !matches!(path.file_name().and_then(|name| name.to_str()), Some("target" | ".git"))
            {
                visit(&path, found);
            } else if path.file_name().is_some_and(|name| name == "tspm.yaml") {
                let result = read(&Locate { env: Vec::new(), ..locate(path.parent().unwrap()) });
                let (_, loaded) = result.unwrap_or_else(|report| panic!("{}", report.render(false)));
                assert!(!loaded.project.services.is_empty());
                *found += 1;
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = 0;
    visit(&root.join("examples"), &mut found);
    if root.join("tspm.yaml").exists() {
        assert!(read(&Locate { env: Vec::new(), ..locate(root) }).is_ok());
    }
}
