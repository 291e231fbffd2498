# docutils
from docutils.core import publish_parts
parts = publish_parts("Title\n=====\n\n* a\n* **b**\n\n.. note:: n\n", writer_name="html5")
assert parts["title"] == "Title" and "<strong>b</strong>" in parts["body"]
