# pypdf
from pypdf import PdfReader, PdfWriter
writer = PdfWriter()
for _ in range(3): writer.add_blank_page(200, 100)
writer.add_metadata({"/Title": "T"})
writer.write("o.pdf")
reader = PdfReader("o.pdf")
assert len(reader.pages) == 3 and reader.metadata.title == "T" and reader.pages[0].mediabox.width == 200
