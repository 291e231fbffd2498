# flask
from flask import Flask, jsonify, render_template_string, request, session
app = Flask(__name__)
app.secret_key = "k"

@app.post("/sum")
def total(): return jsonify(total=sum(request.get_json()["numbers"]))

@app.get("/<name>")
def page(name):
    session["seen"] = name
    return render_template_string("<b>{{ name }}</b>", name=name)

client = app.test_client()
assert client.post("/sum", json={"numbers": [1, 2]}).json == {"total": 3}
assert client.get("/<x>").text == "<b>&lt;x&gt;</b>" and client.get("/a/b").status_code == 404
