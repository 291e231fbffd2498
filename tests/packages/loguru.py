# loguru
import io
from loguru import logger
out = io.StringIO()
logger.remove()
logger.add(out, format="{level}|{message}", level="INFO", serialize=False)
logger.debug("no"); logger.info("yes {}", 1)
try: 1 / 0
except ZeroDivisionError: logger.exception("caught")
assert out.getvalue().startswith("INFO|yes 1\nERROR|caught\n") and "ZeroDivisionError" in out.getvalue()
logger.add("log.txt", rotation="1 MB"); logger.info("to a file")
assert "to a file" in open("log.txt").read()
