# jinja2
import jinja2
env = jinja2.Environment(loader=jinja2.DictLoader({"base": "<{% block b %}{% endblock %}>", "page": "{% extends 'base' %}{% block b %}{% for x in xs if x %}{{ x|upper }}{{ ',' if not loop.last }}{% endfor %}{% endblock %}"}), autoescape=True)
assert env.get_template("page").render(xs=["a", "", "<b>"]) == "<A,&lt;B&gt;>"
try: env.from_string("{% if %}")
except jinja2.TemplateSyntaxError as error: assert error.lineno == 1
