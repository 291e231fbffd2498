//! What stands for a character that an encoding has not, with `//TRANSLIT`, as the C locale has it.

/// From each first character on, the texts that stand for it and for those that follow, separated by tabulators; `?` is
/// for none.
#[rustfmt::skip]
static TEXTS: &[(u32, &str)] = &[
    (0xA0, " \t!\tc\tGBP\t?\tJPY\t|\t?\t?\t(C)\ta\t<<\t!\t-\t(R)\t?\t?\t+-\t2\t3\t'\tu\t?\t.\t,\t1\to\t>>\t 1/4 \t 1/2 \t 3/4 \t?\tA\tA\tA\tA\tA\tA\tAE\tC\tE\tE\tE\tE\tI\tI\tI\tI\tD\tN\tO\tO\tO\tO\tO\tx\tO\tU\tU\tU\tU\tY\tTH\tss\ta\ta\ta\ta\ta\ta\tae\tc\te\te\te\te\ti\ti\ti\ti\td\tn\to\to\to\to\to\t/\to\tu\tu\tu\tu\ty\tth\ty\tA\ta\tA\ta\tA\ta\tC\tc\tC\tc\tC\tc\tC\tc\tD\td\tD\td\tE\te\tE\te\tE\te\tE\te\tE\te\tG\tg\tG\tg\tG\tg\tG\tg\tH\th\tH\th\tI\ti\tI\ti\tI\ti\tI\ti\tI\ti\tIJ\tij\tJ\tj\tK\tk\tq\tL\tl\tL\tl\tL\tl\tL\tl\tL\tl\tN\tn\tN\tn\tN\tn\t'n\tN\tn\tO\to\tO\to\tO\to\tOE\toe\tR\tr\tR\tr\tR\tr\tS\ts\tS\ts\tS\ts\tS\ts\tT\tt\tT\tt\tT\tt\tU\tu\tU\tu\tU\tu\tU\tu\tU\tu\tU\tu\tW\tw\tY\ty\tY\tZ\tz\tZ\tz\tZ\tz\ts\tb\tB\tB\tb\t?\t?\t?\tC\tc\tD\tD\tD\td\t?\t?\t?\tE\tF\tf\tG\t?\thv\tI\tI\tK\tk\tl\t?\t?\tN\tn\t?\tO\to\tOI\toi\tP\tp\t?\t?\t?\t?\t?\tt\tT\tt\tT\tU\tu\t?\tV\tY\ty\tZ\tz\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\tLJ\tLj\tlj\tNJ\tNj\tnj\tA\ta\tI\ti\tO\to\tU\tu\tU\tu\tU\tu\tU\tu\tU\tu\t?\tA\ta\tA\ta\tAE\tae\tG\tg\tG\tg\tK\tk\tO\to\tO\to\t?\t?\tj\tDZ\tDz\tdz\tG\tg\t?\t?\tN\tn\tA\ta\tAE\tae\tO\to\tA\ta\tA\ta\tE\te\tE\te\tI\ti\tI\ti\tO\to\tO\to\tR\tr\tR\tr\tU\tu\tU\tu\tS\ts\tT\tt\t?\t?\tH\th\t?\td\t?\t?\tZ\tz\tA\ta\tE\te\tO\to\tO\to\tO\to\tO\to\tY\ty\tl\tn\tt\tj\tdb\tqp\tA\tC\tc\tL\tT\ts\tz\t?\t?\tB\tU\t?\tE\te\tJ\tj\t?\t?\tR\tr\tY\ty"),
    (0x1E00, "A\ta\tB\tb\tB\tb\tB\tb\tC\tc\tD\td\tD\td\tD\td\tD\td\tD\td\tE\te\tE\te\tE\te\tE\te\tE\te\tF\tf\tG\tg\tH\th\tH\th\tH\th\tH\th\tH\th\tI\ti\tI\ti\tK\tk\tK\tk\tK\tk\tL\tl\tL\tl\tL\tl\tL\tl\tM\tm\tM\tm\tM\tm\tN\tn\tN\tn\tN\tn\tN\tn\tO\to\tO\to\tO\to\tO\to\tP\tp\tP\tp\tR\tr\tR\tr\tR\tr\tR\tr\tS\ts\tS\ts\tS\ts\tS\ts\tS\ts\tT\tt\tT\tt\tT\tt\tT\tt\tU\tu\tU\tu\tU\tu\tU\tu\tU\tu\tV\tv\tV\tv\tW\tw\tW\tw\tW\tw\tW\tw\tW\tw\tX\tx\tX\tx\tY\ty\tZ\tz\tZ\tz\tZ\tz\th\tt\tw\ty\ta\t?\ts\ts\tSS\t?\tA\ta\tA\ta\tA\ta\tA\ta\tA\ta\tA\ta\tA\ta\tA\ta\tA\ta\tA\ta\tA\ta\tA\ta\tE\te\tE\te\tE\te\tE\te\tE\te\tE\te\tE\te\tE\te\tI\ti\tI\ti\tO\to\tO\to\tO\to\tO\to\tO\to\tO\to\tO\to\tO\to\tO\to\tO\to\tO\to\tO\to\tU\tu\tU\tu\tU\tu\tU\tu\tU\tu\tU\tu\tU\tu\tY\ty\tY\ty\tY\ty\tY\ty\tLL\tll\tV\tv\tY\ty"),
    (0x2000, " \t \t \t \t \t \t \t?\t \t \t \t\t?\t?\t?\t?\t-\t-\t-\t-\t--\t-\t?\t?\t'\t'\t,\t'\t\"\t\"\t,,\t\"\t+\t?\to\t?\t.\t..\t...\t?\t?\t?\t?\t?\t?\t?\t?\t \t?\t?\t?\t?\t?\t`\t``\t```\t?\t<\t>\t?\t!!\t?\t?\t?\t?\t?\t?\t?\t/\t?\t?\t??\t?!\t!?\t&\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t \t\t\t\t"),
    (0x2070, "0\ti\t?\t?\t4\t5\t6\t7\t8\t9\t+\t?\t=\t(\t)\tn\t0\t1\t2\t3\t4\t5\t6\t7\t8\t9\t+\t?\t=\t(\t)\t?\ta\te\to\tx\t?\th\tk\tl\tm\tn\tp\ts\tt"),
    (0x20A0, "CE\tC=\tCr\tFr.\tL.\t?\t?\tPts\tRs\tKRW\tILS\tDong\tEUR\t?\t?\tGRD\t?\tPHP\t?\t?\tUAH\t?\t?\t?\tKZT\tINR\tTL\t?\t?\tRUB\tGEL"),
    (0x2100, "a/c\ta/s\tC\t?\t?\tc/o\tc/u\t?\t?\t?\tg\tH\tH\tH\th\t?\tI\tI\tL\tl\t?\tN\tNo\t?\t?\tP\tQ\tR\tR\tR\tRx\t?\tSM\tTEL\t(TM)\t?\tZ\t?\t?\t?\tZ\t?\tK\tA\tB\tC\te\te\tE\tF\t?\tM\to\t?\t?\t?\t?\ti\t?\tFAX\t?\t?\t?\t?\t?\t?\t?\t?\t?\tD\td\te\ti\tj\t?\t?\t?\t?\t?\t?\t 1/7 \t 1/9 \t 1/10 \t 1/3 \t 2/3 \t 1/5 \t 2/5 \t 3/5 \t 4/5 \t 1/6 \t 5/6 \t 1/8 \t 3/8 \t 5/8 \t 7/8 \t 1/ \tI\tII\tIII\tIV\tV\tVI\tVII\tVIII\tIX\tX\tXI\tXII\tL\tC\tD\tM\ti\tii\tiii\tiv\tv\tvi\tvii\tviii\tix\tx\txi\txii\tl\tc\td\tm\t?\t?\t?\t?\t?\t?\t?\t?\t?\t 0/3 "),
    (0x2190, "<-\t?\t->\t?\t<->\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t!<->\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t!<=\t!<=>\t!=>\t<=\t?\t=>\t?\t<=>"),
    (0x2212, "-\t?\t?\t/\t\\\t*\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t|\t?\t||\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t:\t?\t?\t?\t?\t?\t~\t?\t?\t?\t?\t!~\t?\t?\t!~-\t?\t?\t!~=\t?\t!~~\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t?\t!=\t?\t!==\t?\t<=\t>=\t?\t?\t?\t?\t<<\t>>\t?\t?\t!<\t!>\t!<=\t!>=\t?\t?\t!<~\t!>~\t?\t?\t!<>\t!><"),
    (0xFB00, "ff\tfi\tfl\tffi\tffl\tst\tst"),
];

/// Combining marks, which are left out.
static MARKS: &[(u32, u32)] = &[(0x300, 0x36F), (0x1AB0, 0x1ACE), (0x1DC0, 0x1DFF), (0x20D0, 0x20F0)];

/// Appends what stands for a character; `false`: nothing does.
pub(super) fn push(letter: char, out: &mut Vec<char>) -> bool {
    let code = u32::from(letter);
    if MARKS.iter().any(|&(first, last)| (first..=last).contains(&code)) {
        return true;
    }
    let offset = |from: u32, base: char| char::from_u32(u32::from(base) + code - from);
    let (before, plain, after) = match code {
        // Full width, the alphabets of mathematics, and what is in circles and parentheses.
        0xFF01..=0xFF5E => ("", offset(0xFF01, '!'), ""),
        0x1D400..=0x1D6A3 => {
            let index = (code - 0x1D400) % 52;
            ("", char::from_u32(if index < 26 { 65 + index } else { 71 + index }), "")
        }
        0x1D7CE..=0x1D7FF => ("", char::from_u32(48 + (code - 0x1D7CE) % 10), ""),
        0x249C..=0x24B5 => ("(", offset(0x249C, 'a'), ")"),
        0x24B6..=0x24CF => ("(", offset(0x24B6, 'A'), ")"),
        0x24D0..=0x24E9 => ("(", offset(0x24D0, 'a'), ")"),
        _ => {
            let found = TEXTS
                .iter()
                .rev()
                .find(|(first, _)| *first <= code)
                .and_then(|(first, texts)| texts.split('\t').nth(usize::try_from(code - first).ok()?));
            return match found {
                None | Some("?") => false,
                Some(text) => {
                    out.extend(text.chars());
                    true
                }
            };
        }
    };
    out.extend(before.chars());
    out.extend(plain);
    out.extend(after.chars());
    true
}
