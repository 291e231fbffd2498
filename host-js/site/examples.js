//! What the page offers to try.

/** @type {Array<{ title: string, script: string }>} */
export const EXAMPLES = [
  { title: "Count words", script: "printf '%s\\n' to be or not to be | sort | uniq -c | sort -rn" },
  { title: "A table with awk", script: "seq 1 10 | awk '{ printf \"%3d %5d %6d\\n\", $1, $1^2, $1^3 }'" },
  { title: "Python and bash together", script: "seq 5 | python3 -c 'import sys; print(sum(map(int, sys.stdin)))'" },
  { title: "SQL", script: "python3 -c 'import sqlite3; print(*sqlite3.connect(\":memory:\").execute(\"select 6 * 7, sqlite_version()\"))'" },
  { title: "JSON with jq", script: "echo '[{\"n\":1},{\"n\":2}]' | jq 'map(.n) | add'" },
  { title: "A script with traps and jobs", script: "trap 'echo bye' EXIT; for i in 3 2 1; do echo $i; sleep 0.3; done; trap - EXIT" },
  { title: "Archive and compare", script: "mkdir -p a && date > a/now && tar czf a.tgz a && tar tvzf a.tgz && diff <(echo one) <(echo two)" },
];
