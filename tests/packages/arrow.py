# arrow
import arrow
moment = arrow.get("2024-03-10T12:00:00+00:00")
assert moment.to("Asia/Tokyo").format("YYYY-MM-DD HH:mm ZZ") == "2024-03-10 21:00 +09:00"
assert moment.shift(hours=-2).humanize(moment) == "2 hours ago"
