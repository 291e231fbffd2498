"""In the place of numpy's build back end, where its sources are only to be downloaded: pip keeps an archive when it has
been told its metadata, and the true back end would configure a build for this machine to tell it."""

import pathlib
import tomllib


def prepare_metadata_for_build_wheel(folder, settings=None):
    project = tomllib.loads(pathlib.Path("pyproject.toml").read_text())["project"]
    name = "{name}-{version}.dist-info".format_map(project)
    info = pathlib.Path(folder, name)
    info.mkdir()
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".format_map(project))
    return name
