"""The provider metadata is valid and complete, and Airflow finds it in the installed package."""

from __future__ import annotations

import json
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import airflow
import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from airflow_provider_bulkexports.assets.uris import SCHEME
from airflow_provider_bulkexports.compat import AIRFLOW_VERSION
from airflow_provider_bulkexports.provider_info import CONNECTION_TYPE, DEFAULT_CONN_ID, get_provider_info

PACKAGE = "airflow-provider-bulkexports"


def test_metadata_is_valid_by_the_schema_of_airflow() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((Path(airflow.__file__).parent / "provider_info.schema.json").read_text())

    jsonschema.validate(get_provider_info(), schema)


def test_metadata_is_json() -> None:
    assert json.loads(json.dumps(get_provider_info())) == get_provider_info()


def test_package_name_is_that_of_the_distribution() -> None:
    """Airflow does not start otherwise."""
    assert get_provider_info()["package-name"] == PACKAGE == canonicalize_name("airflow_provider_bulkexports")


@pytest.mark.parametrize("kind", ["hooks", "operators", "sensors", "triggers"])
def test_listed_modules_exist(kind: str) -> None:
    info = get_provider_info()
    integrations = {integration["integration-name"] for integration in info["integrations"]}

    for entry in info[kind]:
        assert entry["integration-name"] in integrations
        for module in entry["python-modules"]:
            assert import_module(module).__name__.split(".")[1] == kind


def test_connection_type_and_hook_agree_on_names() -> None:
    (connection_type,) = get_provider_info()["connection-types"]
    module, _, name = connection_type["hook-class-name"].rpartition(".")
    hook = getattr(import_module(module), name)

    assert connection_type["connection-type"] == hook.conn_type == CONNECTION_TYPE
    assert connection_type["hook-name"] == hook.hook_name
    assert hook.default_conn_name == hook().twilio_conn_id == DEFAULT_CONN_ID


@pytest.mark.parametrize("option", get_provider_info()["config"]["bulkexports"]["options"].values())
def test_configuration_defaults_are_text(option: dict[str, Any]) -> None:
    assert isinstance(option["default"], str), "Airflow writes defaults into a file"
    assert option["version_added"]


@pytest.fixture
def installed() -> None:
    try:
        distribution(PACKAGE)
    except PackageNotFoundError:
        pytest.skip("the package is not installed")


@pytest.mark.usefixtures("installed")
class TestInstalled:
    def test_entry_point_is_the_metadata_function(self) -> None:
        (entry_point,) = distribution(PACKAGE).entry_points.select(group="apache_airflow_provider")

        assert entry_point.load() is get_provider_info

    def test_command_is_installed(self) -> None:
        (entry_point,) = distribution(PACKAGE).entry_points.select(group="console_scripts")

        assert entry_point.name == "bulkexports"

    def test_airflow_lists_provider_and_connection_type(self) -> None:
        from airflow.providers_manager import ProvidersManager

        manager = ProvidersManager()

        assert manager.providers[PACKAGE].data["name"] == "Twilio BulkExports"
        hook = manager.hooks[CONNECTION_TYPE]
        assert hook is not None
        assert (hook.hook_name, hook.package_name) == ("Twilio BulkExports", PACKAGE)
        assert hook.connection_id_attribute_name == "twilio_conn_id"

    def test_connection_finds_its_hook(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from airflow.models.connection import Connection

        hook = Connection(conn_id="mine", conn_type=CONNECTION_TYPE).get_hook()

        assert (type(hook).__name__, hook.twilio_conn_id) == ("BulkExportsHook", "mine")

    def test_airflow_lists_the_link(self) -> None:
        from airflow.providers_manager import ProvidersManager

        assert set(get_provider_info()["extra-links"]) <= set(ProvidersManager().extra_links_class_names)

    def test_airflow_registers_the_asset_uri_handlers(self) -> None:
        from airflow.providers_manager import ProvidersManager

        manager = ProvidersManager()
        noun = "dataset" if hasattr(manager, "dataset_uri_handlers") else "asset"
        for kind in ("uri_handlers", "factories", "to_openlineage_converters"):
            if kind != "to_openlineage_converters" or noun == "asset" or hasattr(manager, f"{noun}_{kind}"):
                assert SCHEME in getattr(manager, f"{noun}_{kind}")


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("command", "listed"),
    [
        ("list", PACKAGE),
        (f"get {PACKAGE} --full", "Twilio BulkExports"),
        ("hooks", "airflow_provider_bulkexports.hooks.bulkexports.BulkExportsHook"),
        ("links", "airflow_provider_bulkexports.links.BulkExportsLink"),
        ("triggers", "airflow_provider_bulkexports.triggers.bulkexports"),
        ("configs", PACKAGE),
        ("behaviours", "twilio_bulkexports"),
        ("widgets", "extra__twilio_bulkexports__account_sid"),
    ],
)
def test_airflow_providers_command_lists_it_without_a_warning(
    command: str, listed: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    from airflow.cli.cli_parser import get_parser

    needs_hook = command in ("behaviours", "widgets") and Version(AIRFLOW_VERSION) < Version("3.2")
    if needs_hook and find_spec("flask_appbuilder") is None:
        pytest.skip("before 3.2, Airflow reads forms from hooks, and only with Flask-AppBuilder installed")
    arguments = get_parser().parse_args(["providers", *command.split(), "--output", "json"])

    arguments.func(arguments)

    shown = capsys.readouterr()
    assert listed in shown.out
    warnings = [record.getMessage() for record in caplog.records if record.levelname in ("WARNING", "ERROR")]
    warnings += [line for line in shown.err.splitlines() if "warn" in line.lower()]
    assert not [warning for warning in warnings if "bulkexports" in warning]
