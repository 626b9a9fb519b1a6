//! Reads source files: their code without comments, and what they import.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A source file of a crate.
pub struct Source {
    /// As imports name it: `store::reviews::create`.
    pub module: String,
    /// Without comments.
    pub code: String,
    /// Its imports from this crate, without `crate::`.
    pub imports: BTreeSet<String>,
    /// The paths into the standard library, without `std::`.
    pub from_std: BTreeSet<String>,
    /// The paths of its `use` items that do not begin with `crate::`, as if all led into its own folder.
    pub from_own_folder: BTreeSet<String>,
}

/// All files of a folder of the workspace.
pub fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let (mut folders, mut sources) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let module = path.strip_prefix(&root).unwrap().with_extension("");
            let module = module.to_str().unwrap().replace('/', "::");
            sources.push(Source::new(&module, &fs::read_to_string(&path).unwrap()));
        }
    }
    sources
}

impl Source {
    pub fn new(module: &str, text: &str) -> Source {
        let code: Vec<_> = text.lines().map(|line| line.split("//").next().unwrap()).collect();
        let code = code.join("\n");
        let mut from_own_folder = BTreeSet::new();
        for (at, start) in code.match_indices("use ") {
            if code[..at].ends_with(['\n', ' ']) && !code[at..].starts_with("use crate::") {
                let prefix = format!("{module}::");
                add_paths(&code[at + start.len()..], &prefix, &mut from_own_folder);
            }
        }
        let (imports, from_std) = (paths_after("crate::", &code), paths_after("std::", &code));
        Source { module: module.to_owned(), code, imports, from_std, from_own_folder }
    }

    /// The same file without its tests, which are at the end.
    pub fn outside_tests(&self) -> Source {
        let code = self.code.split("#[cfg(test)]\nmod tests {").next().unwrap();
        Source::new(&self.module, code)
    }

    pub fn is_in(&self, module: &str) -> bool {
        is_in(&self.module, module)
    }

    /// Whether a word of the code begins with `word`.
    pub fn uses(&self, word: &str) -> bool {
        let mut found = self.code.match_indices(word);
        found.any(|(at, _)| begins_word(&self.code, at))
    }
}

/// Whether this path is the module, or leads into it.
pub fn is_in(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The paths that begin with `root`, without it.
fn paths_after(root: &str, code: &str) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for (at, _) in code.match_indices(root) {
        // A visibility is no import.
        if begins_word(code, at) && !code[..at].ends_with("in ") {
            add_paths(&code[at + root.len()..], "", &mut paths);
        }
    }
    paths
}

fn begins_word(code: &str, at: usize) -> bool {
    !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// Adds the paths of a `use` tree, or the one path of an expression; returns what follows.
fn add_paths<'t>(text: &'t str, prefix: &str, paths: &mut BTreeSet<String>) -> &'t str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        while !rest.trim_start().starts_with('}') {
            rest = add_paths(rest, prefix, paths);
            rest = rest.split_once([',', '}']).map_or("", |(skipped, _)| &rest[skipped.len()..]);
            rest = rest.strip_prefix(',').unwrap_or(rest);
        }
        return &rest.trim_start()[1..];
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '*');
    let (name, rest) = text.split_at(end.unwrap_or(text.len()));
    match rest.strip_prefix("::") {
        Some(more) if !more.starts_with('<') => {
            add_paths(more, &format!("{prefix}{name}::"), paths)
        }
        _ => {
            paths.insert(format!("{prefix}{name}"));
            rest
        }
    }
}
