# click
import click
from click.testing import CliRunner

@click.group()
def main(): pass

@main.command()
@click.option("--count", default=1, type=click.IntRange(1, 3))
@click.argument("name")
def hello(count, name):
    for _ in range(count): click.secho(f"Hello {name}", fg="green")

run = CliRunner().invoke
assert run(main, ["hello", "--count", "2", "you"]).output == "Hello you\nHello you\n"
assert run(main, ["hello", "--count", "9", "you"]).exit_code == 2
assert "Usage:" in run(main, ["--help"]).output
