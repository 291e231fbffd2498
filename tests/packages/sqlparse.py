# sqlparse
import sqlparse
assert len(sqlparse.split("select 1; select 2;")) == 2
assert sqlparse.format("select a,b from t where x=1", reindent=True, keyword_case="upper").startswith("SELECT a,\n       b\nFROM t")
