# python-dateutil
from datetime import datetime
from dateutil import parser, relativedelta, rrule, tz
assert parser.parse("3 Jan 2024 14:05 +0200").isoformat() == "2024-01-03T14:05:00+02:00"
assert datetime(2024, 1, 31) + relativedelta.relativedelta(months=1) == datetime(2024, 2, 29)
assert len(list(rrule.rrule(rrule.WEEKLY, count=5, dtstart=datetime(2024, 1, 1)))) == 5
assert datetime(2024, 7, 1, tzinfo=tz.gettz("Europe/Berlin")).utcoffset().seconds == 7200
