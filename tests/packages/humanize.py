# humanize
import datetime, humanize
assert humanize.naturalsize(3_000_000) == "3.0 MB" and humanize.intcomma(12345) == "12,345"
assert humanize.naturaldelta(datetime.timedelta(hours=3)) == "3 hours"
