# requests
import requests
from requests.adapters import BaseAdapter

class Echo(BaseAdapter):
    def send(self, request, **kwargs):
        response = requests.Response()
        response.status_code, response.url, response.request = 200, request.url, request
        response._content = request.url.encode()
        return response
    def close(self): pass

session = requests.Session()
session.mount("test://", Echo())
session.headers["X-Own"] = "y"
assert session.get("test://here/a", params={"q": "1 2"}).text == "test://here/a"
prepared = requests.Request("POST", "http://a.example/b", data={"x": "1"}, params={"q": "1 2"}).prepare()
assert (prepared.url, prepared.body) == ("http://a.example/b?q=1+2", "x=1")
try: requests.get("http://nowhere.example/", timeout=5)
except requests.exceptions.ConnectionError: pass
else: raise AssertionError("there is no such host")
