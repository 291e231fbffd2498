# pytest
import pathlib, subprocess, sys
pathlib.Path("test_it.py").write_text('''
import pytest
@pytest.fixture
def three(): return 3
@pytest.mark.parametrize("n", [1, 2])
def test_less(n, three): assert n < three
def test_tmp(tmp_path, capsys):
    (tmp_path / "f").write_text("x"); print("y")
    assert capsys.readouterr().out == "y\\n"
def test_wrong(): assert [1, 2] == [1, 3]
@pytest.mark.skip
def test_skipped(): pass
''')
result = subprocess.run([sys.executable, "-m", "pytest", "-q"], capture_output=True, text=True)
assert result.returncode == 1 and "1 failed, 3 passed, 1 skipped" in result.stdout, result
assert "At index 1 diff: 2 != 3" in result.stdout, result.stdout
