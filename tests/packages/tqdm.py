# tqdm
import io
from tqdm import tqdm
out = io.StringIO()
assert sum(tqdm(range(100), file=out, desc="work")) == 4950 and "100/100" in out.getvalue()
