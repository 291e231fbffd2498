# rich
import io, os
from rich.console import Console
from rich.table import Table
from rich.markdown import Markdown
from rich.syntax import Syntax
from rich.progress import track
os.environ["TERM"] = "xterm"
out = io.StringIO()
console = Console(file=out, width=60, force_terminal=True)
table = Table(title="T")
table.add_column("a"); table.add_column("b", justify="right")
table.add_row("x", "[bold]1[/bold]")
console.print(table, Markdown("# Head\n* one"), Syntax("def f(): pass", "python"), {"k": [1, 2]})
assert "Head" in out.getvalue() and "\x1b[" in out.getvalue()
assert sum(track(range(5), console=console)) == 10
