# openpyxl
from openpyxl import Workbook, load_workbook
from openpyxl.styles import Font
book = Workbook()
sheet = book.active
sheet.append(["a", 1]); sheet.append(["b", 2.5])
sheet["C1"] = "=SUM(B1:B2)"; sheet["A1"].font = Font(bold=True)
book.save("b.xlsx")
again = load_workbook("b.xlsx").active
assert [cell.value for cell in again["B"]] == [1, 2.5] and again["C1"].value == "=SUM(B1:B2)" and again["A1"].font.bold
