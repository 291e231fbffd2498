# What sessions commonly do. The functions that run for it are what a session begins with (`split.mjs`): of what is not here, the first use loads the rest.
# A line of `#` alone begins another run.
name=world; greeting="hello ${name^}"; echo "$greeting" "${name:1:3}" "${unset:-default}" "${#name}" "${name/o/0}" "${name%d}" "${name#w}"
list=(one two three); list+=(four); for word in "${list[@]}"; do printf '%s %d\n' "$word" "${#word}"; done
declare -A map=([a]=1 [b]=2); for key in "${!map[@]}"; do echo "$key=${map[$key]}"; done
count=0; while (( count < 3 )); do ((count++)); done; until [ "$count" -eq 0 ]; do count=$((count - 1)); done
for ((i = 0; i < 3; i++)); do if [[ $i == 1 && -n $name ]]; then continue; elif [[ $name =~ ^w(.*)d$ ]]; then echo "${BASH_REMATCH[1]}"; fi; done
case $name in w*) echo yes ;; *) echo no ;; esac
greet() { local who=$1; echo "hi $who"; return 0; }; greet you || echo failed; (exit 3); echo $?
set -euo pipefail; set +euo pipefail; shopt -s nullglob; export NAME=$name; env | grep NAME; unset name; (trap 'echo bye' EXIT)
mkdir -p work/sub && cd work && pwd && cd - > /dev/null && cd work
cat > notes.txt <<EOF
apple 3 red
banana 12 yellow
cherry 7 red
EOF
printf 'a,b,c\n1,2,3\n' > table.csv; echo more >> notes.txt; cp notes.txt copy.txt; mv copy.txt sub/; touch empty; ln -s notes.txt link; chmod +x empty
ls; ls -la; ls -R | head -n 3; cat notes.txt | tail -n 2; wc -l notes.txt; wc < notes.txt; test -f notes.txt && [ -d sub ]; rm empty; rm -rf nothing
grep red notes.txt; grep -rn apple .; grep -ivc red notes.txt; sort notes.txt | uniq -c; sort -k2 -n notes.txt; cut -d, -f2 table.csv; tr a-z A-Z < notes.txt
sed 's/red/blue/g' notes.txt; sed -n '1,2p' notes.txt; sed -i 's/apple/pear/' notes.txt
find . -name '*.txt'; find . -type f | xargs wc -l; seq 3 | while read -r line; do echo "<$line>"; done; echo "$(date +%Y)" "$(basename "$PWD")" "$(dirname /a/b)"; echo text | tee out; head -c 3 out
echo {1..3} {a,b}c *.txt ~ $((2 ** 10 % 7)) $'tab\t' `echo old`; read -r first rest <<< "a b c"; echo "$first" "$rest" >&2; IFS=, read -ra parts <<< "x,y"; sleep 0 & wait; which ls; type cd; command -v nothing
true && false || :; { echo group; } 2>&1; ( echo subshell ); diff <(echo a) <(echo a); eval 'echo eval'; source /dev/null; nothing-here; echo "${PIPESTATUS[0]}"; sleep 0.001; timeout 5 true
seq 5 | grep 2; seq 5 | sort -rn | head -n 2 | tail -n 1; seq 3 | sed 's/2/x/'; seq 3 | wc -l; echo a,b | cut -d, -f1; echo abc | tr a-c x; ls | cat; seq 3 | tail -n +2; seq 12 | head -5
printf '%5.2f|%-5s|%05d|%x\n' 1.5 a 3 255; echo "a b" | xargs -n1 echo; grep -E '^(a|b).*d$' notes.txt; grep -q red notes.txt; echo -e 'x\ty' ; cat -n notes.txt; sort -u notes.txt; sort -t, -k1,1 table.csv; ls *.txt; ls -1 sub
printf '%s\n' "a  b" | awk '{print $2}'; echo '{"a": [1, 2]}' | jq -r '.a[0]'
#
echo hi
#
python3 -c pass
#
cat > script.py <<'EOF'
import sys
print("hello", len(sys.argv), sep=", ")
EOF
python3 script.py a
python3 -c 'import json, sys, os, re, math, collections, datetime, subprocess
print(json.dumps({"a": [1, 2.5, None]}), json.loads("[1]"), re.sub("a", "b", "abc"), sorted([3, 1]), f"{1.5:.2f}", os.listdir("."), datetime.date(2020, 1, 1))
with open("f", "w") as file: file.write("text\n")
print(open("f").read(), [x * 2 for x in range(3)], {k: v for k, v in zip("ab", (1, 2))})
class A:
    def __init__(self): self.x = 1
try: A().y
except AttributeError as error: print(error)
print(subprocess.run(["echo", "x"], capture_output=True, text=True).stdout)'
#
printf 'import sys\nfor line in sys.stdin: print(line.strip())\n' > f.py; seq 3 | python3 f.py; python3 -c 'raise ValueError(1)' || true
#
for i in 1 2 3; do echo $i; done
#
echo "x=1" > vars; source vars; . ./vars; echo $x ${x} "$x"
#
x=$(date); echo "$x" $RANDOM $SECONDS $HOME "$@" $# $$ $?
#
sed -i 's/a/b/' vars; sed -e s/x/y/ -e 2d vars; rm vars; rm nothing; ls nothing; cat nothing; cd /nothing; nothing; kill 12345; grep x nothing; mkdir work; cp nothing a; mv nothing a; touch /nothing/a; python3 nothing.py
#
if true; then
#
python3 --version; python3 -V
#
whoami; uname -a; id; env; which python3; hostname; printenv PATH; export | head -n 1; alias ll='ls -l'; type ls
#
sleep 0.01; true
#
x=5; y=$((x + 1)); z=$((x * 2 % 3)); ((z += 1)); let z++; echo $x $y $z; [ $x -gt 3 ] && echo big; [[ $x -eq 5 || $y < 3 ]] && echo yes; [ "$x" = 5 ] && [ ! -e nothing ] && [ -z "" ]; test -d work
#
f() { echo "$1" "${2:-none}" "$*"; shift; for a; do echo "$a"; done; }; f a b; x=$(f c); echo "${x}" "${x^^}" "${x//c/d}" "${x: -1}" "${x##*/}" "${!x}"; readonly R=1; declare -p x; unset x; a=(1 2 3); echo "${a[-1]}" "${#a[@]}" "${a[@]:1:2}"; unset 'a[0]'; mapfile -t lines < script.py; echo "${#lines[@]}"
#
cat work/notes.txt | while read -r a b c; do echo "$b"; done | sort -n | head -n 1 > out 2> err; cat < out; echo a >> out; { echo b; echo c; } > out; cat out 2>/dev/null 1>&2; ls nothing 2>&1 | cat; exec 3> log; echo x >&3; exec 3>&-
#
(set -e; false)
#
(set -x; echo traced)
#
echo "$(cat <<EOF
here $HOME
EOF
)"; cat <<'EOF' | wc -l
a
EOF
#
awk -F: '{print $1}' /etc/passwd | head -n 2; awk 'BEGIN { x = 1; printf "%d\n", x }'; awk '{ n[$2]++; s += $2 } END { for (k in n) print k, n[k]; print s / NR, length($0), substr($1, 1, 2) }' work/notes.txt; echo '{"a":{"b":[1,"x",null,true]}}' | jq '.a.b | length, map(.)'; jq -n '{a: 1} | keys'; echo '[{"n":1},{"n":2}]' | jq -c '.[] | select(.n > 1)'
#
find . -type f -name '*.py' -exec cat {} \; | head -n 1; find . -maxdepth 1 -type d; find . -type f -print0 | xargs -0 ls; ls -lh; ls -t; ls -a *; chmod 644 script.py; chmod u+x script.py; cp -r work more; rm -r more; mkdir -p a/b/c; rmdir a/b/c; realpath .; date +%s; wc -c script.py; tr -d '\n' < script.py; cut -c1-3 script.py; sort -r script.py; uniq -c script.py; basename a.py .py; seq -s, 3; seq 1 2 5; sleep 0; yes | head -n 1
#
case x in x) ;; esac; while false; do :; done; select x in a; do break; done < /dev/null; until true; do :; done; time true; ! false; wait; sleep 0 & echo $!; wait $!; trap - EXIT; printf -v v '%03d' 5; echo {a..c} "${v}"; echo *; shopt -s globstar; echo **/*.py; [[ abc == a*c ]]; [[ abc =~ b ]]; echo "a b" | read -r x y; IFS=: read -r u _ < /etc/passwd; (exit 3)
#
python3 <<'EOF'
import os, sys, time, random, pathlib, csv, math, itertools, functools, textwrap, string, shutil, glob, tempfile, io, hashlib, base64, argparse, typing, dataclasses, enum, traceback, urllib.parse, statistics, copy, uuid, decimal
from collections import Counter, defaultdict, OrderedDict, deque, namedtuple
from datetime import datetime, timedelta
@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.5
    def norm(self): return math.sqrt(self.x ** 2 + self.y ** 2)
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
print(Point(3, 4.0).norm(), Point(1), fib(10), Counter("hello").most_common(2), datetime(2020, 1, 1) + timedelta(days=1))
with open("t.csv", "w", newline="") as file: csv.writer(file).writerows([[1, "a"], [2, "b,c"]])
print(list(csv.DictReader(open("t.csv"), fieldnames=["n", "s"])), sum(range(10)), max([1, 2]), sorted({"b": 1, "a": 2}.items(), key=lambda pair: pair[1]), "%s %d" % ("a", 1), "{:>5}|{:.3f}".format("x", 2.5), "a,b".split(","), " x ".strip(), b"bytes".hex(), hashlib.sha256(b"x").hexdigest(), base64.b64encode(b"x"), 2 ** 100, 7 // 2, -7 % 3, 1e10, complex(1, 2), round(2.567, 2), any([0, 1]), set("aab"), [*zip([1], [2])], random.random() < 2, pathlib.Path("t.csv").read_text(), os.path.exists("t.csv"), glob.glob("*.csv"), os.environ.get("HOME"), string.ascii_letters, textwrap.dedent("  x"), list(itertools.chain([1], [2])), functools.reduce(lambda a, b: a + b, [1, 2]))
gen = (i * i for i in range(5)); print(next(gen), list(gen), {**{"a": 1}}, [1, 2, 3][::-1], "abc"[1:], type(1), isinstance(1, int), repr("a\n"), "é".encode(), int("12"), float("1.5"), str(1), bool([]))
try: 1 / 0
except ZeroDivisionError: traceback.print_exc()
try: {}["a"]
except KeyError as error: print(repr(error))
try: int("x")
except ValueError as error: print(error)
else: pass
finally: print("end")
match [1, 2]:
    case [a, b]: print(a, b)
async def main(): return 1
import asyncio; print(asyncio.run(main()))
for root, folders, files in os.walk("work"): print(root, len(files))
time.sleep(0.001); shutil.copy("t.csv", "u.csv"); os.remove("u.csv"); os.makedirs("d/e", exist_ok=True); print(sys.version_info >= (3, 8), sys.argv, file=sys.stderr); sys.exit(3)
EOF
#
python3 - a <<< 'import sys; print(sys.argv)'
#
python3 -m json.tool <<< '{"a": 1}'
#
python3 -c 'import unittest, sqlite3, zipfile, logging; db = sqlite3.connect(":memory:"); db.execute("create table t (a, b)"); db.execute("insert into t values (?, ?)", (1, "x")); print(db.execute("select * from t").fetchall()); logging.warning("w"); print(input())' <<< text
#
python3 -c 'print(1'
#
python3 -c 'import nothing'
