# typer<0.17
# Newer ones need pydantic 2, which is in part Rust.
import typer
from typer.testing import CliRunner
app = typer.Typer()

@app.command()
def main(name: str, times: int = 1): typer.echo(name * times)

assert CliRunner().invoke(app, ["ab", "--times", "2"]).stdout == "abab\n"
assert CliRunner().invoke(app, ["ab", "--times", "x"]).exit_code == 2
