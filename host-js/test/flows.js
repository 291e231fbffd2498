//! What reads from a producer, and what it shows then.

export const LINES = 30_000;
export const numbers = Array.from({ length: LINES }, (_, index) => `${index + 1}\n`).join("");
const sum = (LINES * (LINES + 1)) / 2;

/** @type {Record<string, { command: string, shown: string }>} */
export const consumers = {
  "a Python that reads all": { command: "python3 -c 'import sys; print(len(sys.stdin.read()))'", shown: `${numbers.length}\n` },
  "line by line": { command: "python3 -c 'import sys; print(sum(map(int, sys.stdin)))'", shown: `${sum}\n` },
  "one line": { command: "python3 -c 'import sys; print(sys.stdin.readline().strip())'", shown: "1\n" },
  "one line for head": {
    command: "python3 -c 'import sys; [print(line.strip()) for line in sys.stdin]' 2> errors | head -n 3; tail -n 1 errors | cut -d: -f1",
    shown: "1\n2\n3\nBrokenPipeError\n",
  },
  "after a sleep": { command: "python3 -c 'import sys, time; time.sleep(0.1); print(len(sys.stdin.read()))'", shown: `${numbers.length}\n` },
  "a child of Python's": { command: "python3 -c 'import subprocess; subprocess.run([\"wc\", \"-l\"])'", shown: `${LINES}\n` },
  "a Python of Python's": {
    command: "python3 -c 'import subprocess, sys; subprocess.run([sys.executable, \"-c\", \"print(sum(map(int, open(0))))\"])'",
    shown: `${sum}\n`,
  },
};
