//! How problems look: like a compiler's, with the line and what is meant underlined. And as JSON.

use std::ops::Range;
use std::path::Path;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level as Shown, Origin, Renderer, Snippet};
use serde_json::{Value, json};

use super::problem::{Level, Place, Problem, Report};

/// A longer line is no text that anybody wrote: only a piece of it is shown.
const LONG: usize = 2_000;

/// Places further apart than this many lines get a snippet each.
const NEAR: usize = 40;

impl Report {
    /// All problems for people, coloured if `color`. Ends with a newline unless there is nothing to say.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        // Where the reader stands: paths below it are shown as they would type them.
        let cwd = std::env::current_dir().unwrap_or_default();
        let one = |problem: &Problem| renderer.render(&[group(problem, &cwd)]) + "\n";
        self.problems.iter().map(one).collect::<Vec<_>>().join("\n")
    }

    /// All problems for programs: a list of objects with stable codes.
    pub fn to_json(&self) -> Value {
        self.problems.iter().map(Problem::to_json).collect()
    }
}

impl Problem {
    /// The problem for programs. Lines and columns count from 1.
    pub fn to_json(&self) -> Value {
        let place = |place: &Place| json!({"file": place.file, "line": place.line, "column": place.column});
        let also: Vec<Value> = self
            .also
            .iter()
            .map(|(at, what)| json!({"file": at.file, "line": at.line, "column": at.column, "message": what}))
            .collect();
        json!({
            "level": self.level.to_string(),
            "code": self.code,
            "message": self.message,
            "place": self.place.as_ref().map(place),
            "also": also,
            "notes": self.notes,
            "help": self.help,
        })
    }
}

fn group<'a>(problem: &'a Problem, cwd: &Path) -> Group<'a> {
    let level = match problem.level {
        Level::Error => Shown::ERROR,
        Level::Warning => Shown::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(&*problem.message).id(problem.code));
    if let Some(place) = &problem.place {
        let (near, far): (Vec<_>, Vec<_>) = problem
            .also
            .iter()
            .partition(|(also, _)| also.file == place.file && also.line.abs_diff(place.line) <= NEAR);
        let window =
            Window::of(&std::iter::once(place).chain(near.iter().map(|(also, _)| also)).collect::<Vec<_>>());
        if window.longest() > LONG {
            group = origin(group, place, cwd).element(Shown::NOTE.message(piece(place)));
        } else {
            group = group.element(snippet(&window, place, &near, cwd));
        }
        for (also, what) in far {
            let window = Window::of(&[also]);
            if window.longest() > LONG {
                group = origin(group, also, cwd).element(Shown::NOTE.message(&**what));
                continue;
            }
            let annotation = AnnotationKind::Context.span(window.mark(also)).label(&**what);
            group = group.element(window.snippet(also, cwd).annotation(annotation));
        }
    }
    for note in &problem.notes {
        group = group.element(Shown::NOTE.message(&**note));
    }
    if let Some(help) = &problem.help {
        group = group.element(Shown::HELP.message(&**help));
    }
    group
}

fn snippet<'a>(
    window: &Window<'a>,
    place: &'a Place,
    near: &[&'a (Place, String)],
    cwd: &Path,
) -> Snippet<'a, Annotation<'a>> {
    let mut snippet = window.snippet(place, cwd).annotation(AnnotationKind::Primary.span(window.mark(place)));
    for (also, what) in near {
        snippet = snippet.annotation(AnnotationKind::Context.span(window.mark(also)).label(&**what));
    }
    snippet
}

fn origin<'a>(group: Group<'a>, place: &'a Place, cwd: &Path) -> Group<'a> {
    group.element(Origin::path(shown_path(place, cwd)).line(place.line).char_column(place.column))
}

/// What is wrong, as far as a few words go.
fn piece(place: &Place) -> String {
    const SHOWN: usize = 60;
    let text: String = place.source[place.range.start..].chars().take_while(|c| *c != '\n').take(SHOWN).collect();
    format!("the line is too long to be shown; there it reads `{text}`")
}

fn shown_path(place: &Place, cwd: &Path) -> String {
    place.file.strip_prefix(cwd).unwrap_or(&place.file).display().to_string()
}

/// The lines that are shown: a renderer that got the whole text would look at all of it for every problem.
struct Window<'a> {
    text: &'a str,
    /// Where `text` begins in the file, in bytes.
    start: usize,
    /// Its first line, from 1.
    line: usize,
}

impl<'a> Window<'a> {
    fn of(places: &[&'a Place]) -> Self {
        let first =
            places.iter().min_by_key(|place| place.range.start).expect("a window shows at least one place");
        let source: &str = &first.source;
        let last = places.iter().map(|place| place.range.start).max().unwrap_or_default();
        let start = source[..first.range.start].rfind('\n').map_or(0, |at| at + 1);
        let end = source[last..].find('\n').map_or(source.len(), |at| last + at);
        Self { text: &source[start..end], start, line: first.line }
    }

    /// The length of its longest line.
    fn longest(&self) -> usize {
        self.text.lines().map(str::len).max().unwrap_or_default()
    }

    fn snippet(&self, place: &Place, cwd: &Path) -> Snippet<'a, Annotation<'a>> {
        Snippet::source(self.text).line_start(self.line).path(shown_path(place, cwd)).fold(true)
    }

    /// What is underlined: `place`, as far as its first line goes.
    fn mark(&self, place: &Place) -> Range<usize> {
        let start = place.range.start - self.start;
        let rest = &self.text[start..];
        let line = rest.find('\n').map_or(rest, |at| &rest[..at]).trim_end();
        start..start + line.len().min(place.range.len())
    }
}
