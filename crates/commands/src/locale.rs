//! `locale`: the locale of the environment. There are two, `C` (also called `POSIX`) and `C.UTF-8`, which differ in
//! their character set alone.

use bstr::{BString, ByteSlice};
use wasmsh_os::Ctx;

use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "locale",
    usage: &["[OPTION...] NAME", "[OPTION...] [-a|-m]"],
    about: "Get locale-specific information.",
    options: &[
        Opt::flag("a,all-locales", "write names of available locales"),
        Opt::flag("m,charmaps", "write names of available charmaps"),
        Opt::flag("c,category-name", "write names of selected categories"),
        Opt::flag("k,keyword-name", "write names of selected keywords"),
        Opt::flag("v,verbose", "print more information"),
    ],
    more: "",
    usage_status: 64,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// The keywords of a category, with their values as `-k` shows them; those of the character set are empty here.
type Category = (&'static str, &'static [(&'static str, &'static str)]);

#[rustfmt::skip]
const CATEGORIES: &[Category] = &[
    ("LC_CTYPE", &[
        ("ctype-class-names", "\"upper\";\"lower\";\"alpha\";\"digit\";\"xdigit\";\"space\";\"print\";\"graph\";\"blank\";\"cntrl\";\"punct\";\"alnum\""),
        ("ctype-map-names", "\"toupper\";\"tolower\""),
        ("ctype-mb-cur-max", ""),
        ("charmap", ""),
    ]),
    ("LC_NUMERIC", &[
        ("decimal_point", "\".\""),
        ("thousands_sep", "\"\""),
        ("grouping", "-1"),
        ("numeric-decimal-point-wc", "46"),
        ("numeric-thousands-sep-wc", "0"),
        ("numeric-codeset", ""),
    ]),
    ("LC_TIME", &[
        ("abday", "\"Sun;Mon;Tue;Wed;Thu;Fri;Sat\""),
        ("day", "\"Sunday;Monday;Tuesday;Wednesday;Thursday;Friday;Saturday\""),
        ("abmon", "\"Jan;Feb;Mar;Apr;May;Jun;Jul;Aug;Sep;Oct;Nov;Dec\""),
        ("mon", "\"January;February;March;April;May;June;July;August;September;October;November;December\""),
        ("am_pm", "\"AM;PM\""),
        ("d_t_fmt", "\"%a %b %e %H:%M:%S %Y\""),
        ("d_fmt", "\"%m/%d/%y\""),
        ("t_fmt", "\"%H:%M:%S\""),
        ("t_fmt_ampm", "\"%I:%M:%S %p\""),
        ("era", ""),
        ("era_year", "\"\""),
        ("era_d_fmt", "\"\""),
        ("alt_digits", ""),
        ("era_d_t_fmt", "\"\""),
        ("era_t_fmt", "\"\""),
        ("time-era-num-entries", "0"),
        ("time-era-entries", ""),
        ("week-ndays", "7"),
        ("week-1stday", "19971130"),
        ("week-1stweek", "4"),
        ("first_weekday", "1"),
        ("first_workday", "2"),
        ("cal_direction", "1"),
        ("timezone", "\"\""),
        ("date_fmt", "\"%a %b %e %H:%M:%S %Z %Y\""),
        ("time-codeset", ""),
        ("alt_mon", "\"January;February;March;April;May;June;July;August;September;October;November;December\""),
        ("ab_alt_mon", "\"Jan;Feb;Mar;Apr;May;Jun;Jul;Aug;Sep;Oct;Nov;Dec\""),
    ]),
    ("LC_COLLATE", &[
        ("collate-nrules", "0"),
        ("collate-rulesets", "\"\""),
        ("collate-symb-hash-sizemb", "0"),
        ("collate-codeset", ""),
    ]),
    ("LC_MONETARY", &[
        ("int_curr_symbol", "\"\""),
        ("currency_symbol", "\"\""),
        ("mon_decimal_point", "\"\""),
        ("mon_thousands_sep", "\"\""),
        ("mon_grouping", "-1"),
        ("positive_sign", "\"\""),
        ("negative_sign", "\"\""),
        ("int_frac_digits", "-1"),
        ("frac_digits", "-1"),
        ("p_cs_precedes", "-1"),
        ("p_sep_by_space", "-1"),
        ("n_cs_precedes", "-1"),
        ("n_sep_by_space", "-1"),
        ("p_sign_posn", "-1"),
        ("n_sign_posn", "-1"),
        ("crncystr", "\"-\""),
        ("int_p_cs_precedes", "-1"),
        ("int_p_sep_by_space", "-1"),
        ("int_n_cs_precedes", "-1"),
        ("int_n_sep_by_space", "-1"),
        ("int_p_sign_posn", "-1"),
        ("int_n_sign_posn", "-1"),
        ("duo_int_curr_symbol", "\"\""),
        ("duo_currency_symbol", "\"\""),
        ("duo_int_frac_digits", "-1"),
        ("duo_frac_digits", "-1"),
        ("duo_p_cs_precedes", "-1"),
        ("duo_p_sep_by_space", "-1"),
        ("duo_n_cs_precedes", "-1"),
        ("duo_n_sep_by_space", "-1"),
        ("duo_int_p_cs_precedes", "-1"),
        ("duo_int_p_sep_by_space", "-1"),
        ("duo_int_n_cs_precedes", "-1"),
        ("duo_int_n_sep_by_space", "-1"),
        ("duo_p_sign_posn", "-1"),
        ("duo_n_sign_posn", "-1"),
        ("duo_int_p_sign_posn", "-1"),
        ("duo_int_n_sign_posn", "-1"),
        ("uno_valid_from", "10101"),
        ("uno_valid_to", "99991231"),
        ("duo_valid_from", "10101"),
        ("duo_valid_to", "99991231"),
        ("conversion_rate", "1;1"),
        ("monetary-decimal-point-wc", "0"),
        ("monetary-thousands-sep-wc", "0"),
        ("monetary-codeset", ""),
    ]),
    ("LC_MESSAGES", &[
        ("yesexpr", "\"^[yY]\""),
        ("noexpr", "\"^[nN]\""),
        ("yesstr", "\"\""),
        ("nostr", "\"\""),
        ("messages-codeset", ""),
    ]),
    ("LC_PAPER", &[
        ("height", "297"),
        ("width", "210"),
        ("paper-codeset", ""),
    ]),
    ("LC_NAME", &[
        ("name_fmt", "\"%p%t%g%t%m%t%f\""),
        ("name_gen", "\"\""),
        ("name_mr", "\"\""),
        ("name_mrs", "\"\""),
        ("name_miss", "\"\""),
        ("name_ms", "\"\""),
        ("name-codeset", ""),
    ]),
    ("LC_ADDRESS", &[
        ("postal_fmt", "\"%a%N%f%N%d%N%b%N%s %h %e %r%N%C-%z %T%N%c%N\""),
        ("country_name", "\"\""),
        ("country_post", "\"\""),
        ("country_ab2", "\"\""),
        ("country_ab3", "\"\""),
        ("country_car", "\"\""),
        ("country_num", "0"),
        ("country_isbn", "\"\""),
        ("lang_name", "\"\""),
        ("lang_ab", "\"\""),
        ("lang_term", "\"\""),
        ("lang_lib", "\"\""),
        ("address-codeset", ""),
    ]),
    ("LC_TELEPHONE", &[
        ("tel_int_fmt", "\"+%c %a %l\""),
        ("tel_dom_fmt", "\"\""),
        ("int_select", "\"\""),
        ("int_prefix", "\"\""),
        ("telephone-codeset", ""),
    ]),
    ("LC_MEASUREMENT", &[
        ("measurement", "1"),
        ("measurement-codeset", ""),
    ]),
    ("LC_IDENTIFICATION", &[
        ("title", "\"C locale\""),
        ("source", "\"\""),
        ("address", "\"\""),
        ("contact", "\"\""),
        ("email", "\"bug-glibc-locales@gnu.org\""),
        ("tel", "\"\""),
        ("fax", "\"\""),
        ("language", "\"\""),
        ("territory", "\"\""),
        ("audience", "\"\""),
        ("application", "\"\""),
        ("abbreviation", "\"\""),
        ("revision", "\"2.1\""),
        ("date", "\"2022-01-30\""),
        ("category", "\"i18n:2012;UTF-8;;;;;;;;;;;\""),
        ("identification-codeset", ""),
    ]),
];

fn variable(ctx: &Ctx, name: &str) -> Option<BString> {
    ctx.env(name).filter(|value| !value.is_empty())
}

/// The locale of a category, and whether it follows from another variable.
fn value_of(ctx: &Ctx, category: &str) -> (BString, bool) {
    if let Some(all) = variable(ctx, "LC_ALL") {
        return (all, true);
    }
    match variable(ctx, category) {
        Some(own) => (own, false),
        None => (variable(ctx, "LANG").unwrap_or_else(|| "POSIX".into()), true),
    }
}

fn exists(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(name.as_slice(), b"c" | b"posix" | b"c.utf8" | b"c.utf-8")
}

/// The value of a keyword as `-k` shows it.
fn value(utf8: bool, keyword: &str, fixed: &str) -> String {
    match (keyword, fixed) {
        ("ctype-mb-cur-max", _) => if utf8 { "6" } else { "1" }.into(),
        // What the C library has stored where there are none.
        ("time-era-entries", _) => if utf8 { "\"S\"" } else { "\"\"" }.into(),
        (word, "") if word == "charmap" || word.ends_with("-codeset") => {
            if utf8 { "\"UTF-8\"" } else { "\"ANSI_X3.4-1968\"" }.into()
        }
        _ => fixed.into(),
    }
}

async fn run(t: &mut Tool) -> Done {
    let mut options = t.options();
    let (mut names, mut maps, mut categories, mut keywords) = (false, false, false, false);
    loop {
        match options.next() {
            Ok(None) => break,
            Ok(Some(("a", _))) => names = true,
            Ok(Some(("m", _))) => maps = true,
            Ok(Some(("c", _))) => categories = true,
            Ok(Some(("k", _))) => keywords = true,
            Ok(Some(_)) => {}
            Err(Fail::Usage(message)) => {
                let hint = "Try `locale --help' or `locale --usage' for more information.";
                return Err(Fail::Message(format!("{message}\n{hint}"), 64));
            }
            Err(other) => return Err(other),
        }
    }
    for (name, what) in [("LC_CTYPE", "LC_CTYPE"), ("LC_MESSAGES", "LC_MESSAGES"), ("", "LC_ALL")] {
        let (locale, _) = value_of(&t.ctx, if name.is_empty() { "LANG" } else { name });
        if !exists(&locale) {
            t.warn(format!("Cannot set {what} to default locale: No such file or directory")).await?;
        }
    }
    if names || maps {
        t.out.put(if names { b"C\nC.utf8\nPOSIX\n" } else { b"ANSI_X3.4-1968\nUTF-8\n" });
        return Ok(());
    }
    let operands = options.operands();
    if operands.is_empty() {
        for name in ["LANG", "LANGUAGE"] {
            let value = t.ctx.env(name).unwrap_or_default();
            t.out.put(format!("{name}={value}\n").as_bytes());
        }
        // In the order of the C library, which the table has as well.
        for (name, _) in CATEGORIES {
            let (value, follows) = value_of(&t.ctx, name);
            let mark = if follows { "\"" } else { "" };
            t.out.put(format!("{name}={mark}{value}{mark}\n").as_bytes());
        }
        let all = t.ctx.env("LC_ALL").unwrap_or_default();
        t.out.put(format!("LC_ALL={all}\n").as_bytes());
        return Ok(());
    }
    for operand in operands {
        let mut found = false;
        for (category, words) in CATEGORIES {
            let whole = operand == *category;
            let mut shown = words.iter().filter(|(word, _)| whole || operand == *word).peekable();
            if shown.peek().is_none() {
                continue;
            }
            found = true;
            if categories {
                t.out.put(format!("{category}\n").as_bytes());
            }
            for (word, fixed) in shown {
                let value = value(t.utf8, word, fixed);
                let text = if keywords {
                    format!("{word}={value}\n")
                } else {
                    format!("{}\n", value.replace('"', ""))
                };
                t.out.put(text.as_bytes());
            }
        }
        if !found {
            t.error(format!("unknown name \"{}\"", operand.to_str_lossy())).await?;
        }
    }
    Ok(())
}
