//! The colours of paths: LS_COLORS, each style put into one order of codes, or a scheme of 256 colours without it.

use bstr::{BString, ByteSlice};
use wasmsh_os::{Environment, FileType, Stat};

use crate::path::base_name;
use crate::tree::Found;

/// Which style a kind of file, and a name by its end, is written in. Empty styles are none.
pub(super) struct Colors {
    kinds: Vec<(BString, String)>,
    /// The last that fits counts; letters of both cases are the same.
    ends: Vec<(BString, String)>,
}

/// What LS_COLORS begins with.
const KINDS: &str =
    "di=1;34:ln=1;36:pi=33:so=1;35:bd=1;33:cd=1;33:ex=1;32:su=37;41:sg=30;43:st=37;44:ow=34;42:tw=30;42";

/// Where there is no LS_COLORS.
const SCHEME_KINDS: &str = "di=38;5;81:ln=38;5;203:or=48;5;203;38;5;16:pi=48;5;81;38;5;16:ex=1;38;5;203:tw=34;42:\
    st=38;5;81:so=48;5;203;38;5;16:bd=48;5;236;38;5;81:cd=48;5;236;38;5;203";

/// Its styles, each with the ends of names.
const SCHEME_ENDS: [(&str, &str); 10] = [
    (
        "4;38;5;203",
        ".jar .apk .pcf.Z .tbz .arj .rar .tbz2 .tar .xz .vcd .gz .dmg .bin .z .gpkg.tar .rpm .bz .bz2 .zip .iso .tgz \
         .7z .img .deb .pkg",
    ),
    (
        "38;5;186",
        ".pdf .doc .odp .pptx .odt .ps .ics .epub .sxi .rtf appveyor.yml .xlsx .ods .ppt .sxw .travis.yml .pps .xls \
         .docx",
    ),
    (
        "38;5;48",
        ".bash .cxx .h .d .vb .purs .erl .tsx .c++ .pm .go .clj .cc .exs .hh .swift .htc .pl .hpp .lisp .def .zsh .fsx \
         .kts .inl .lua .td .psm1 .ts .ps1 .pp .inc .gvy .sql .jl .java .rb .cabal .awk .psd1 .r .di .py .nb .p .t .js \
         .ex .fish .kt .elm .tcl .ipynb .ml .mli .ll .rs .css .sh .vim .dart .el .gv .diff .gradle .h++ .pas .cs .tex \
         .ltx .scala .hs .c .csx .scss .groovy .fsi .php .less .fs .m .hxx .patch .dot .sbt .cpp",
    ),
    ("1;38;5;203", ".com .exe .bat .ko .a .dll .so"),
    ("38;5;249", "LICENSE-MIT LICENSE .copyright COPYING"),
    ("1", "TODO"),
    ("48;5;186;38;5;16", "INSTALL CONTRIBUTORS README README.md"),
    (
        "38;5;149",
        ".gitmodules configure.ac .cfg .yml .desktop .cmake configure .fdignore Doxyfile .json Makefile.am hgrc \
         setup.py .gitignore .bib Dockerfile SConscript CMakeLists.txt .yaml .dockerfile .bst .ini .gitattributes \
         CODEOWNERS MANIFEST.in .clang-format .conf SConstruct .toml .make Makefile .nix .gitconfig requirements.txt",
    ),
    (
        "38;5;243",
        ".tmp .idx .out .class .lock Makefile.in ~ .sty .bc .log .cache .orig .pid .rlib .bbl .toc .swp .bak .la .aux \
         .ind .o .blg .hi .pyc",
    ),
    (
        "38;5;208",
        ".mid .tiff .png .mpeg .ppm .mp4 .pbm .eps .pgm .fnt .flac .wma .svg .tif .m4v .xcf .mov .psd .mkv .ttf .vob \
         .avi .aif .wmv .rm .wav .jpg .jpeg .mp3 .m4a .flv .fon .bmp .otf .ico .gif .swf .mpg .ogg",
    ),
];

/// Texts, which special names may be instead.
const SCHEME_TEXTS: (&str, &str) = ("38;5;185", ".rst .html .htm .xhtml .csv .txt .shtml .md .markdown");

/// Codes of a style in their order: attributes, background, foreground. What is no style is empty.
fn normal(codes: &str) -> String {
    let mut attributes: Vec<u8> = Vec::new();
    let (mut background, mut foreground) = (String::new(), String::new());
    let mut rest = codes.split(';');
    while let Some(code) = rest.next() {
        let Ok(code) = code.parse::<u8>() else { return String::new() };
        let wide = |rest: &mut std::str::Split<'_, char>| -> Option<String> {
            let count = match rest.next()? {
                "5" => 1,
                "2" => 3,
                _ => return None,
            };
            let mut text = if count == 1 { "5".to_owned() } else { "2".to_owned() };
            for _ in 0..count {
                text.push_str(&format!(";{}", rest.next()?.parse::<u8>().ok()?));
            }
            Some(text)
        };
        match code {
            0 => {
                attributes.clear();
                background.clear();
                foreground.clear();
            }
            // A quick blink is a blink.
            1..=9 => attributes.push(if code == 6 { 5 } else { code }),
            30..=37 => foreground = code.to_string(),
            40..=47 => background = code.to_string(),
            90..=97 => foreground = format!("38;5;{}", code - 82),
            100..=107 => background = format!("48;5;{}", code - 92),
            39 => foreground.clear(),
            49 => background.clear(),
            38 | 48 => {
                let Some(text) = wide(&mut rest) else { break };
                *(if code == 38 { &mut foreground } else { &mut background }) = format!("{code};{text}");
            }
            _ => {}
        }
    }
    attributes.sort_unstable();
    attributes.dedup();
    let attributes = attributes.iter().map(u8::to_string);
    let all: Vec<String> =
        attributes.chain([background, foreground]).filter(|code| !code.is_empty()).collect();
    all.join(";")
}

impl Colors {
    pub(super) fn new(environment: &Environment) -> Colors {
        let mut colors = Colors { kinds: Vec::new(), ends: Vec::new() };
        colors.add(KINDS.as_bytes());
        match environment.get(b"LS_COLORS") {
            Some(variable) => colors.add(variable),
            None => {
                colors.add(SCHEME_KINDS.as_bytes());
                for (style, ends) in std::iter::once(&SCHEME_TEXTS).chain(&SCHEME_ENDS) {
                    colors
                        .ends
                        .extend(ends.split_ascii_whitespace().map(|end| (end.into(), (*style).into())));
                }
            }
        }
        colors
    }

    fn add(&mut self, variable: &[u8]) {
        for part in variable.split(|byte| *byte == b':') {
            let Some((name, codes)) = part.split_once_str("=") else { continue };
            let style = normal(&codes.to_str_lossy());
            match name.strip_prefix(b"*") {
                Some(end) => self.ends.push((end.into(), style)),
                None => {
                    self.kinds.retain(|(kind, _)| kind != name);
                    self.kinds.push((name.into(), style));
                }
            }
        }
    }

    /// The style of the first of these kinds that has one.
    fn kind(&self, names: &[&str]) -> &str {
        let known = |name: &&str| self.kinds.iter().find(|(kind, _)| kind == *name);
        names.iter().find_map(known).map_or("", |(_, style)| style)
    }

    fn style(&self, name: &[u8], stat: &Stat, dangling: bool) -> &str {
        let mode = stat.mode;
        match stat.kind {
            FileType::Directory => match (mode & 0o1000 != 0, mode & 0o002 != 0) {
                (true, true) => self.kind(&["tw", "di", "no"]),
                (false, true) => self.kind(&["ow", "di", "no"]),
                (true, false) => self.kind(&["st", "di", "no"]),
                (false, false) => self.kind(&["di", "no"]),
            },
            FileType::SymbolicLink if dangling => self.kind(&["or", "ln", "no"]),
            FileType::SymbolicLink => self.kind(&["ln", "no"]),
            FileType::Fifo => self.kind(&["pi", "no"]),
            FileType::Socket => self.kind(&["so", "no"]),
            FileType::CharacterDevice => self.kind(&["cd", "no"]),
            FileType::Regular if mode & 0o4000 != 0 => self.kind(&["su", "fi", "no"]),
            FileType::Regular if mode & 0o2000 != 0 => self.kind(&["sg", "fi", "no"]),
            FileType::Regular if mode & 0o111 != 0 => self.kind(&["ex", "fi", "no"]),
            FileType::Regular if stat.links > 1 && !self.kind(&["mh"]).is_empty() => self.kind(&["mh"]),
            _ => {
                let fits = |end: &[u8]| {
                    name.len()
                        .checked_sub(end.len())
                        .and_then(|at| name.get(at..))
                        .is_some_and(|tail| tail.eq_ignore_ascii_case(end))
                };
                match self.ends.iter().rev().find(|(end, _)| fits(end)) {
                    Some((_, style)) => style,
                    None => self.kind(&["fi", "no"]),
                }
            }
        }
    }

    /// A path: its directories, then its name. `dangling`: of a link, that its target is not there.
    pub(super) fn put(&self, found: &Found, path: &BString, dangling: bool, out: &mut Vec<u8>) {
        let name = base_name(path);
        let length = name.len() + usize::from(path.ends_with(b"/") && path.len() > 1);
        let (directories, rest) = path.split_at(path.len().saturating_sub(length));
        let (name, slash) = rest.split_at(rest.len().min(name.len()));
        let mut put = |style: &str, text: &[u8]| {
            if style.is_empty() || text.is_empty() {
                out.extend_from_slice(text);
                return;
            }
            out.extend_from_slice(format!("\x1b[{style}m").as_bytes());
            out.extend_from_slice(text);
            out.extend_from_slice(b"\x1b[0m");
        };
        put(self.kind(&["di", "no"]), directories);
        put(self.style(name, &found.stat, dangling), name);
        put(self.kind(&["di", "no"]), slash);
    }
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn codes_of_a_style_have_one_order() {
        assert_eq!(normal("34;01"), "1;34");
        assert_eq!(normal("97;100"), "48;5;8;38;5;15");
        assert_eq!(normal("48;2;1;2;3;1"), "1;48;2;1;2;3");
        assert_eq!(normal("1;0;32"), "32");
        assert_eq!(normal("31;x"), "");
        assert_eq!(normal("38;5"), "");
    }
}
