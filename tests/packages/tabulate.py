# tabulate
from tabulate import tabulate
rows = [["a", 1.25], ["bb", 22]]
assert tabulate(rows, headers=["k", "v"], tablefmt="github").splitlines()[0].split() == ["|", "k", "|", "v", "|"]
assert "<td>" in tabulate(rows, tablefmt="html") and tabulate([]) == ""
