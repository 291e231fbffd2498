# beautifulsoup4
from bs4 import BeautifulSoup
soup = BeautifulSoup("<html><body><p class=a>One <b>two</b><p id=z><a href='/x'>l</a>", "html.parser")
assert [p.get_text() for p in soup.find_all("p")][0].startswith("One two")
assert soup.select_one("#z a")["href"] == "/x"
soup.b.replace_with("2")
assert "One 2" in str(soup)
