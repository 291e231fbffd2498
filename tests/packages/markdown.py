# markdown
import markdown
html = markdown.markdown("# T\n\na *b* `c`\n\n| x | y |\n|---|---|\n| 1 | 2 |\n", extensions=["tables", "fenced_code", "toc"])
assert '<h1 id="t">T</h1>' in html and "<em>b</em>" in html and "<td>2</td>" in html
