# prettytable
from prettytable import PrettyTable
table = PrettyTable(["a", "b"]); table.add_row([1, "x"])
assert table.get_string().splitlines()[1] == "| a | b |"
