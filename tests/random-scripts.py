#!/usr/bin/env python3
"""Random scripts, made from a grammar, executed by bash and by the shell of this project: what differs is shown.

    tests/random-scripts.py [--shell 'target/debug/examples/native --requests'] [--count N] [--seed S]

The scripts run in a throw-away directory, use builtins and a few harmless utilities, and end by themselves.
The shell is a program that reads one JSON request a line and answers with {"stdout", "status"}.
"""
import argparse, base64, json, os, random, subprocess, sys, tempfile

VARS = ["a", "b", "c", "x", "y"]
WORDS = ["foo", "bar", "a b", "1", "42", "", "x*y", "h?", "-n", "été", "A_b", "[z]", "tab\tin", "back\\slash", "q'uote", '"dq"', "$", "a:b:c", "/u/v.txt", "0x1f", "010"]
PATTERNS = ["*", "?*", "f*", "*o", "[a-f]*", "[!b]*", "*[0-9]", "b?r", "*:", ":*", "*.txt", "*/", "o", "", "\\*", "[[:upper:]]*", "a|b"]
EXTENDED = ["@(foo|bar)", "!(foo)", "*(o)", "+([0-9])", "?(a)*"]


class Make:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.depth = 0

    def pick(self, *choices):
        return self.r.choice(choices)

    def var(self):
        return self.r.choice(VARS)

    def quote(self, text):
        kind = self.r.randrange(3)
        if kind == 0:
            return "'" + text.replace("'", "'\\''") + "'"
        if kind == 1:
            return '"' + "".join("\\" + c if c in '"\\$`' else c for c in text) + '"'
        return "".join(c if c.isalnum() else "\\" + c for c in text) if text else "''"

    def literal(self):
        return self.quote(self.r.choice(WORDS))

    def pattern(self):
        return self.r.choice(PATTERNS + EXTENDED)

    def arith(self, depth=0):
        if depth > 2 or self.r.random() < 0.35:
            return self.pick(str(self.r.randrange(-9, 99)), "n", "m", "arr[1]", "08#7"[:1] + "7", "0x1f", "2#101", "i")
        kind = self.r.randrange(6)
        if kind == 0:
            return "(%s)" % self.arith(depth + 1)
        if kind == 1:
            return self.pick("-", "!", "~", "+") + " " + self.arith(depth + 1)
        if kind == 2:
            return "%s ? %s : %s" % (self.arith(depth + 1), self.arith(depth + 1), self.arith(depth + 1))
        if kind == 3:
            return self.pick("n", "m", "i") + self.pick("=", "+=", "-=", "*=", "|=", "^=") + "(%s)" % self.arith(depth + 1)
        if kind == 4:
            return self.pick("n++", "++m", "i--", "--n")
        op = self.pick("+", "-", "*", "/", "%", "**", "<<", ">>", "<", "<=", ">", "==", "!=", "&", "|", "^", "&&", "||", ",")
        right = str(self.r.randrange(0, 9)) if op in ("**", "<<", ">>") else self.arith(depth + 1)
        return "%s %s %s" % (self.arith(depth + 1), op, right)

    def param(self):
        v = self.pick(self.var(), "arr", "1", "@", "*", "#", "?", "map[k]", "arr[@]", "arr[*]", "arr[1]", "arr[-1]", "unset_v", "map[@]")
        kind = self.r.randrange(14)
        if v in "#?" or kind == 0:
            return "${%s}" % v
        if kind == 1:
            return "${#%s}" % v if v not in ("@", "*") else "${#@}"
        if kind in (2, 3):
            return "${%s%s%s}" % (v, self.pick(":-", "-", ":+", "+"), self.word(simple=True))
        if kind in (4, 5):
            return "${%s%s%s}" % (v, self.pick("#", "##", "%", "%%"), self.pattern())
        if kind in (6, 7):
            return "${%s%s%s/%s}" % (v, self.pick("/", "//", "/#", "/%"), self.pattern().replace("/", "."), self.pick("", "R", "&&", "\\&", "$a"))
        if kind == 8:
            return "${%s:%s}" % (v, self.pick("0", "1", " -2", "1:2", "0:1", "2:9", " -3:2"))
        if kind == 9:
            return "${%s%s}" % (v, self.pick("^", "^^", ",", ",,", "^^[a-c]"))
        if kind == 10:
            return "${%s@%s}" % (v, self.pick("Q", "U", "L", "u", "E"))
        if kind == 11:
            return self.pick("${!ref}", "${!a@}", "${!arr[@]}", "${!map[@]}")
        return "$" + self.var()

    def word(self, simple=False):
        parts = []
        for _ in range(self.r.randrange(1, 3 if simple else 4)):
            kind = self.r.randrange(10)
            if kind < 3:
                parts.append(self.literal())
            elif kind < 4:
                parts.append(self.pick("foo", "b*", "x", "~", "=", "a=b", "{a,b}", "{1..3}", "[ab]", ".", "/"))
            elif kind < 6 and not simple:
                parts.append('"' + self.param() + '"')
            elif kind < 8 and not simple:
                parts.append(self.param())
            elif kind < 9:
                parts.append("$((%s))" % self.arith(1))
            elif self.depth < 3 and not simple:
                self.depth += 1
                parts.append(self.pick('"$(%s)"', "$(%s)") % self.command())
                self.depth -= 1
            else:
                parts.append("$" + self.var())
        return "".join(parts)

    def show(self):
        return "printf '<%%s>' %s; echo" % " ".join(self.word() for _ in range(self.r.randrange(1, 4)))

    def condition(self):
        kind = self.r.randrange(8)
        if kind == 0:
            return "[[ %s %s %s ]]" % (self.word(), self.pick("==", "!=", "<", ">"), self.pick(self.word(simple=True), self.pattern()))
        if kind == 1:
            return "[[ %s =~ %s ]]" % (self.word(simple=True), self.pick("^f", "o+$", "^[0-9]+$", "(a|b)(.*)", "."))
        if kind == 2:
            return "[ %s %s %s ]" % ('"$%s"' % self.var(), self.pick("=", "!=", "-eq", "-lt"), self.literal())
        if kind == 3:
            return "((%s))" % self.arith()
        if kind == 4:
            return "[[ -%s %s && ! %s ]]" % (self.pick("n", "z", "v"), self.pick("$a", "b", "arr"), '-n $c')
        if kind == 5:
            return self.pick("true", "false", "! true", "! false")
        return "case %s in %s) true ;; *) false ;; esac" % (self.word(), "|".join(p or "''" for p in (self.pattern().replace("|", "."),)))

    def command(self):
        self.depth += 1
        try:
            kind = self.r.randrange(26 if self.depth < 4 else 10)
            if kind < 4:
                return self.show()
            if kind == 4:
                return "%s%s%s" % (self.var(), self.pick("=", "+="), self.word())
            if kind == 5:
                return "arr%s" % self.pick("=(%s %s)" % (self.word(), self.word()), "+=(%s)" % self.word(), "[%d]=%s" % (self.r.randrange(6), self.word()))
            if kind == 6:
                return "map[%s]=%s" % (self.pick("k", "z", "'a b'"), self.word())
            if kind == 7:
                return "echo $?; " + self.condition() + "; echo $?"
            if kind == 8:
                return self.pick("set -- %s" % " ".join(self.word() for _ in range(3)), "shift", "unset %s" % self.var(), "unset 'arr[1]'", "local q=1 2>/dev/null", "n=$((%s))" % self.arith(), "let 'm = %s'" % self.arith())
            if kind == 9:
                return "read -r%s %s <<< %s; echo \"$a|$b\"" % (self.pick("", "a"), "a b" , self.word()) if self.r.random() < 0.7 else "IFS=: read a b c <<< %s; echo \"$a|$b|$c\"" % self.word()
            if kind == 10:
                return "if %s; then %s; else %s; fi" % (self.condition(), self.list(), self.list())
            if kind == 11:
                return "for x in %s; do %s; done" % (" ".join(self.word() for _ in range(2)), self.list())
            if kind == 12:
                return "for ((i=0;i<%d;i++)); do %s; done" % (self.r.randrange(1, 4), self.list(loop=True))
            if kind == 13:
                return "k=%d; while ((k-- > 0)); do %s; done" % (self.r.randrange(1, 4), self.list(loop=True))
            if kind == 14:
                return "case %s in %s) %s %s %s) %s ;; esac" % (self.word(), self.pick("f*", "'a b'", "[0-9]"), self.list(), self.pick(";;", ";&", ";;&"), self.pick("*", "b*"), self.list())
            if kind == 15:
                return "{ %s; }%s" % (self.list(), self.pick("", " > f1; cat f1", " 2>&1", " | cat"))
            if kind == 16:
                return "( %s )" % self.list()
            if kind == 17:
                return "f%d() { %s; return %d; }; f%d %s; echo $?" % ((n := self.r.randrange(3)), self.list(), self.r.randrange(5), n, self.word())
            if kind == 18:
                return "%s | while read -r y; do echo \"[$y]\"; done" % self.show()
            if kind == 19:
                return "cat <<%s\n%s %s\n%s\n" % (self.pick("E", "'E'", '"E"'), self.param(), self.pick("text", "$a", "\\$a", "`echo hi`"), "E")
            if kind == 20:
                return "eval %s" % self.quote(self.show())
            if kind == 21:
                return "%s %s %s" % (self.condition(), self.pick("&&", "||"), self.show())
            if kind == 22:
                return "(set -%s; %s)" % (self.pick("e", "u", "f", "eu"), self.list())
            if kind == 23:
                return "trap 'echo t$?' %s; %s" % (self.pick("EXIT", "ERR", "DEBUG", "RETURN"), self.list()) if self.r.random() < 0.4 else "declare -%s z%d=%s; declare -p z%d" % (self.pick("i", "u", "l", "x", "r"), (n := self.r.randrange(10000)), self.pick("3+4", "Mixed", "7"), n)
            if kind == 24:
                return "g() { local a=%s; %s; }; g %s" % (self.word(), self.list(), self.word())
            return "IFS=%s; %s; unset IFS" % (self.pick("':'", "'o '", "''", "$'\\n'", "','"), self.show())
        finally:
            self.depth -= 1

    def list(self, loop=False):
        commands = [self.command() for _ in range(self.r.randrange(1, 3))]
        if loop and self.r.random() < 0.3:
            commands.append(self.condition() + self.pick(" && break", " && continue"))
        text = "\n".join(commands)
        return text

    def script(self):
        head = "shopt -s extglob\nn=3 m=-2 i=5 a=foo b='a b' ref=a arr=(one 'two 2' three)\ndeclare -A map=([k]=v)\nset -- p1 'p 2' p3\n"
        return head + "\n".join(self.command() for _ in range(self.r.randrange(1, 6))) + "\n"


def text_of(value):
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value.encode("utf-8", "surrogatepass")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--shell", default="target/debug/examples/native --requests")
    options.add_argument("--count", type=int, default=500)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--show", type=int, default=10, help="differences shown in full")
    chosen = options.parse_args()
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/home/user", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    shell = subprocess.Popen(chosen.shell, shell=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    different = 0
    for seed in range(chosen.seed, chosen.seed + chosen.count):
        script = Make(seed).script()
        with tempfile.TemporaryDirectory() as directory:
            try:
                real = subprocess.run(["bash", "-c", script], cwd=directory, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=10)
            except subprocess.TimeoutExpired:
                continue
        request = {"id": str(seed), "script": script, "cwd": "/workspace", "timeout": 10, "env": {"LC_ALL": "C.UTF-8"}}
        shell.stdin.write((json.dumps(request) + "\n").encode())
        shell.stdin.flush()
        line = shell.stdout.readline()
        if not line:
            print(f"seed {seed}: the shell has ended\n{script}")
            sys.exit(1)
        reply = json.loads(line)
        ours = text_of(reply["stdout"])
        if ours != real.stdout or reply["status"] != real.returncode:
            different += 1
            if different <= chosen.show:
                print(f"=== seed {seed}\n{script}--- bash {real.returncode}\n{real.stdout.decode('utf-8', 'replace')}--- ours {reply['status']}\n{ours.decode('utf-8', 'replace')}--- messages of bash\n{real.stderr.decode('utf-8', 'replace')[:400]}--- ours\n{text_of(reply['stderr']).decode('utf-8', 'replace')[:400]}")
    shell.stdin.close()
    print(f"{chosen.count} scripts, {different} different")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
