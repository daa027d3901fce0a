"""Warehouses in the account: a database that nobody else can reach, who logs in as whom, and who upgrades it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.deployments import files, inner, leads, named, resources, text

from penstock import Context, Pipeline, relation
from penstock.deploy.access import JOIN_NETWORK, grant_statements, task_statements
from penstock.deploy.bundle.imports import find_needs
from penstock.deploy.bundle.places import find_reference
from penstock.deploy.functions import functions, upgrading_task
from penstock.deploy.resources.warehouse import limits
from penstock.deploy.terraform import REFUSED, synthesize
from penstock.errors import DefinitionError
from penstock.model.deployment import UPGRADING_FUNCTION
from penstock.model.pipeline import Definition

USERS = "arn:${local.partition}:rds-db:${local.region}:${local.account}:dbuser:${aws_db_instance.crm.resource_id}"


class Lead(msgspec.Struct):
    lead_id: str


def pipeline(**choices: Any) -> Pipeline:
    made = Pipeline("shop")
    crm = made.warehouse("crm", tables=[relation("leads", Lead, key="lead_id")])
    stock, people = made.hot_table("Stock", key="item"), made.topic("people")

    @made.task(may=[crm.write, crm.read, stock.get])
    def score(event: Any, context: Context) -> None:
        """Scores leads."""

    @made.task(may=[crm.read])
    def look(event: Any, context: Context) -> None:
        """Looks at leads."""

    @made.task(may=[people.publish])
    def tell(event: Any, context: Context) -> None:
        """Tells people."""

    made.aws(**choices)
    return made


@pytest.fixture(scope="module")
def shop() -> Definition:
    return pipeline().build()


def environment(definition: Definition, function: str) -> dict[str, Any]:
    (block,) = inner(named(definition, "aws_lambda_function")[function], "environment")
    variables = block.body["variables"].arguments[0]
    found = variables.get("PENSTOCK_WAREHOUSES")
    return {} if found is None else dict(found.arguments[0])


class TestWhoLogsIn:
    def test_a_task_logs_in_as_one_user_and_whoever_writes_as_the_writer(self, shop: Definition) -> None:
        """UsingWithRDS.IAMDBAuth.IAMPolicy.html: the resource names the database by its resource id, and the user."""
        for task, user in (("score", "crm_write"), ("look", "crm_read")):
            connecting = [one for one in grant_statements(shop, shop.tasks[task]) if "rds-db:connect" in one.actions]
            assert [one.actions for one in connecting] == [("rds-db:connect",)]
            assert [text(arn) for one in connecting for arn in one.resources] == [f"{USERS}/{user}"]
            place = environment(shop, task)["crm"]
            assert (place["username"], "secret" in place) == (user, False)
            assert text(place["host"]) == "aws_db_instance.crm.address"
        assert environment(shop, "tell") == {}

    def test_only_the_function_that_upgrades_reads_the_password(self, shop: Definition) -> None:
        for task in functions(shop).values():
            reads = [one for one in task_statements(shop, task) if "secretsmanager:GetSecretValue" in one.actions]
            assert bool(reads) == (task.name == UPGRADING_FUNCTION)
        (reading,) = (
            one for one in task_statements(shop, functions(shop)[UPGRADING_FUNCTION]) if "Password" in one.sid
        )
        assert [text(one) for one in reading.resources] == ["aws_db_instance.crm.master_user_secret[0].secret_arn"]
        place = environment(shop, "warehouse_upgrade")["crm"]
        assert text(place["secret"]) == "aws_db_instance.crm.master_user_secret[0].secret_arn"
        assert "username" not in place


class TestNetwork:
    def test_whoever_uses_the_database_is_in_its_network_and_nobody_else(self, shop: Definition) -> None:
        made = named(shop, "aws_lambda_function")
        groups = {
            name: [text(one) for config in inner(block, "vpc_config") for one in config.body["security_group_ids"]]
            for name, block in made.items()
        }
        assert groups == {
            "score": ["aws_security_group.warehouse_tasks.id"],
            "look": ["aws_security_group.warehouse_tasks.id"],
            "tell": [],
            "warehouse_upgrade": ["aws_security_group.warehouse_upgrade.id"],
        }
        for name, task in functions(shop).items():
            assert (JOIN_NETWORK in task_statements(shop, task)) == (name != "tell")

    def test_there_is_no_way_out(self, shop: Definition) -> None:
        kinds = {block.labels[0] for block in resources(shop)}
        assert not kinds & {"aws_internet_gateway", "aws_nat_gateway", "aws_route", "aws_eip"}
        assert all(one.body["map_public_ip_on_launch"] is False for one in resources(shop, "aws_subnet"))

    def test_security_groups_allow_five_conversations(self, shop: Definition) -> None:
        found = {
            (
                direction,
                text(one.body["security_group_id"]).split(".")[1],
                text(one.body.get("referenced_security_group_id") or one.body.get("prefix_list_id")).split(".")[1],
                one.body["from_port"],
            )
            for direction in ("egress", "ingress")
            for one in resources(shop, f"aws_vpc_security_group_{direction}_rule")
        }
        assert found == {
            ("egress", "warehouse_tasks", "warehouse_database", 5432),
            ("ingress", "warehouse_database", "warehouse_tasks", 5432),
            ("egress", "warehouse_upgrade", "warehouse_database", 5432),
            ("ingress", "warehouse_database", "warehouse_upgrade", 5432),
            ("egress", "warehouse_upgrade", "warehouse_endpoints", 443),
            ("ingress", "warehouse_endpoints", "warehouse_upgrade", 443),
            ("egress", "warehouse_tasks", "warehouse_s3", 443),
            ("egress", "warehouse_tasks", "warehouse_dynamodb", 443),
        }

    def test_there_is_a_gateway_to_what_tasks_need(self, shop: Definition) -> None:
        made = named(shop, "aws_vpc_endpoint")
        kinds = {name: block.body["vpc_endpoint_type"] for name, block in made.items()}
        assert kinds == {
            "warehouse_s3": "Gateway", "warehouse_dynamodb": "Gateway", "warehouse_secrets": "Interface",
        }  # fmt: skip
        # It is billed by the zone, and can be taken away.
        assert len(made["warehouse_secrets"].body["subnet_ids"]) == 1
        assert "var.warehouse_upgrades" in text(made["warehouse_secrets"].body["count"])


def test_the_database_is_private_encrypted_backed_up_and_not_deleted_by_mistake(shop: Definition) -> None:
    (database,) = resources(shop, "aws_db_instance")
    body = database.body
    assert body["storage_encrypted"]
    assert body["iam_database_authentication_enabled"]
    assert body["manage_master_user_password"]
    assert "password" not in body
    assert body["publicly_accessible"] is False
    assert body["backup_retention_period"] == 7
    assert text(body["deletion_protection"]) == "!var.delete_data_on_destroy"
    assert text(body["skip_final_snapshot"]) == "var.delete_data_on_destroy"
    assert (body["instance_class"], body["allocated_storage"], body["db_name"]) == ("db.t4g.micro", 20, "crm")
    (parameters,) = resources(shop, "aws_db_parameter_group")
    assert [one.body for one in inner(parameters, "parameter")] == [{"name": "rds.force_ssl", "value": "1"}]
    bigger = pipeline(database_class="db.m7g.large", database_storage_gb=100).build()
    (database,) = resources(bigger, "aws_db_instance")
    assert (database.body["instance_class"], database.body["allocated_storage"]) == ("db.m7g.large", 100)


def test_mysql_is_the_same_but_for_its_names() -> None:
    """mysql-ssl-connections.require-ssl.html; USER_LogAccess.MySQLDB.PublishtoCloudWatchLogs.html"""
    definition = pipeline(database="mysql").build()
    assert limits(definition) == []
    (database,) = resources(definition, "aws_db_instance")
    body = database.body
    assert (body["engine"], body["engine_version"], body["port"]) == ("mysql", "8.4", 3306)
    assert body["enabled_cloudwatch_logs_exports"] == ["error", "slowquery"]
    (parameters,) = resources(definition, "aws_db_parameter_group")
    assert parameters.body["family"] == "mysql8.4"
    assert [one.body for one in inner(parameters, "parameter")] == [{"name": "require_secure_transport", "value": "1"}]
    assert environment(definition, "score")["crm"]["server"] == "mysql"
    ports = {one.body["from_port"] for one in resources(definition, "aws_vpc_security_group_ingress_rule")}
    assert ports == {3306, 443}


def test_a_release_upgrades_the_database_once_it_can_be_reached(shop: Definition) -> None:
    (call,) = resources(shop, "aws_lambda_invocation")
    assert text(call.body["function_name"]) == "aws_lambda_function.warehouse_upgrade.function_name"
    assert {name: text(value) for name, value in call.body["triggers"].items()} == {
        "code": "aws_lambda_function.warehouse_upgrade.source_code_hash",
        "crm": "aws_db_instance.crm.resource_id",
    }
    awaited = {text(one) for one in call.body["depends_on"]}
    addresses = {block.address for block in resources(shop)}
    assert awaited <= addresses
    reaching = {one for one in addresses if "_rule.warehouse_upgrade_to" in one}
    assert reaching | {"aws_vpc_endpoint.warehouse_secrets"} <= awaited


class TestLimits:
    def test_what_cannot_be_deployed_is_refused(self) -> None:
        made = pipeline(vpc=True)
        crm, jobs = made.warehouse("other", tables=[relation("leads", Lead, key="lead_id")]), made.queue("jobs")

        @made.task(name=UPGRADING_FUNCTION, may=[crm.read, jobs.send])
        def hand_on(event: Any, context: Context) -> None:
            """Hands leads on."""

        definition = made.build()
        found = {one.code: one for one in limits(definition)}
        assert found.keys() == {"two-networks", "task-name", "no-way-out"}
        assert found.keys() <= REFUSED
        assert "queues" in found["no-way-out"].message
        with pytest.raises(DefinitionError, match="no-way-out"):
            synthesize(definition, {})

    def test_a_name_that_rds_would_refuse_is_refused(self) -> None:
        """CHAP_Limits.html: 63 characters, of which a prefix may have 16."""
        for length, codes in ((31, []), (32, ["name-too-long"])):
            made = Pipeline("p" * 15)
            made.warehouse("w" * length, tables=[relation("leads", Lead, key="lead_id")])
            assert [one.code for one in limits(made.build())] == codes

    def test_a_pipeline_without_a_warehouse_has_none_of_it(self) -> None:
        plain = Pipeline("plain").build()
        assert limits(plain) == []
        assert upgrading_task(plain) is None
        kinds = {block.labels[0] for block in resources(plain)}
        assert not [kind for kind in kinds if kind.startswith(("aws_db", "aws_vpc", "aws_security", "aws_subnet"))]
        assert b"network_cidr" not in files(plain)["variables.tf"]


@pytest.mark.slow
def test_zips_hold_the_migrations_and_only_those_that_need_them_speak_to_databases() -> None:
    definition = leads()
    needs = find_needs(definition, find_reference("penstock.pipelines.leads:pipeline", "leads"))
    revision = "penstock/pipelines/leads/migrations/versions/0001_tables.py"
    for name in ("score_leads", UPGRADING_FUNCTION):
        assert revision in needs[name].files
        assert {"sqlalchemy", "alembic", "psycopg", "psycopg-binary"} <= needs[name].distributions
    mysql = find_needs(leads(database="mysql"), find_reference("penstock.pipelines.leads:pipeline", "leads"))
    assert "pymysql" in mysql["score_leads"].distributions
    assert "psycopg" not in mysql["score_leads"].distributions
    # DuckDB calls functions of Python by way of it.
    assert "numpy" in needs["score_leads"].distributions
    assert revision not in needs["notify_failure"].files
    assert "sqlalchemy" not in needs["notify_failure"].distributions
