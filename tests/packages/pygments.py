# pygments
from pygments import highlight, lexers
from pygments.formatters import HtmlFormatter, TerminalFormatter
code = "def f(x):\n    return x + 1\n"
assert '<span class="k">def</span>' in highlight(code, lexers.get_lexer_by_name("python"), HtmlFormatter())
assert "\x1b[" in highlight("SELECT 1", lexers.guess_lexer_for_filename("a.sql", "SELECT 1"), TerminalFormatter())
