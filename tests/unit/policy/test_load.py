from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from basekeeper.errors import ConfigError, InputError
from basekeeper.policy.load import MAX_EXTENDS, load_config, load_policy
from basekeeper.values.finding import Category, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from basekeeper.policy.load import Config
    from basekeeper.policy.policy import Policy

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def _config(files: Mapping[str, str], policy_path: Path | None = None) -> Config:
    return load_config(
        {path: text.encode() for path, text in files.items()}.get, policy_path=policy_path
    )


def _category(policy: Policy, image: str) -> Category:
    return policy.judge(image, now=NOW).category


def test_a_tree_without_configuration_has_the_shipped_policy() -> None:
    config = _config({})
    assert config.policy is load_policy()
    assert (config.source, config.notices) == (None, ())


def test_reads_policy_and_settings_of_a_directory(tmp_path: Path) -> None:
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github" / "basekeeper.toml").write_text(
        '[discover]\nexclude = ["old"]\n[policy]\nextends = "../team.toml"\n'
    )
    (tmp_path / "team.toml").write_text('[[policy.permitted]]\nimage = "quay.io/team/**"\n')
    for root in (tmp_path, str(tmp_path)):
        config = load_config(root)
        assert config.source == ".github/basekeeper.toml"
        assert config.policy.name == ".github/basekeeper.toml"
        assert config.settings.discover.exclude == ("old",)
        assert _category(config.policy, "quay.io/team/a") is Category.PERMITTED


def test_reads_the_table_in_pyproject() -> None:
    config = _config(
        {"pyproject.toml": '[project]\nname="x"\n[tool.basekeeper.policy]\nextends = false\n'}
    )
    assert config.source == "pyproject.toml"
    assert _category(config.policy, "alpine") is Category.PROHIBITED


def test_names_the_full_key_of_a_problem_in_pyproject() -> None:
    text = '[tool.basekeeper]\npolcy = 1\n[tool.basekeeper.policy]\nextends = "gone.toml"\n'
    with pytest.raises(ConfigError, match=r"pyproject.toml:2: tool.basekeeper.polcy: is not"):
        _config({"pyproject.toml": text})
    with pytest.raises(ConfigError, match=r"pyproject.toml:4: tool.basekeeper.policy.extends"):
        _config({"pyproject.toml": text.replace("polcy = 1", "")})


def test_collects_problems_of_policy_and_settings_of_one_file() -> None:
    text = "[discover]\nexclude = 1\n[policy]\nfoo = 1\n[output]\nx = 1\n"
    with pytest.raises(ConfigError, match="3 problems") as caught:
        _config({"basekeeper.toml": text})
    assert [problem.line for problem in caught.value.problems] == [2, 4, 5]


def test_a_file_is_tried_before_what_it_extends() -> None:
    config = _config(
        {
            "basekeeper.toml": '[policy]\nextends = "base/a.toml"\n'
            '[[policy.restricted]]\nimage = "alpine"\n',
            "base/a.toml": '[policy]\nextends = "b.toml"\n[[policy.prohibited]]\nimage = "alpine"\n'
            '[[policy.prohibited]]\nimage = "node"\n',
            "base/b.toml": '[[policy.preferred]]\nimage = "node"\n'
            '[[policy.preferred]]\nimage = "quay.io/x"\n',
        }
    )
    policy = config.policy
    assert [layer.name for layer in policy.layers] == [
        "basekeeper.toml",
        "base/a.toml",
        "base/b.toml",
        "shipped default",
    ]
    assert _category(policy, "alpine") is Category.RESTRICTED
    assert _category(policy, "node") is Category.PROHIBITED
    assert _category(policy, "quay.io/x") is Category.PREFERRED
    assert _category(policy, "debian:13-slim") is Category.PERMITTED


def test_extending_nothing_keeps_the_settings_of_rules_and_nothing_else() -> None:
    policy = _config({"basekeeper.toml": "[policy]\nextends = false\n"}).policy
    assert [layer.name for layer in policy.layers] == ["basekeeper.toml"]
    assert _category(policy, "scratch") is Category.PROHIBITED
    assert policy.rule("end-of-life").severity is Severity.ERROR
    assert policy.frontends == ()


def test_the_nearest_file_that_says_something_of_a_rule_decides() -> None:
    policy = _config(
        {
            "basekeeper.toml": '[policy]\nextends = "a.toml"\n'
            '[policy.rules.behind-current]\nseverity = "error"\n[policy.waivers]\ninline = false\n',
            "a.toml": "[policy.rules.behind-current]\ngrace_days = 7\nseverity = 'off'\n"
            "stages = 'all'\nnon_production = true\n[policy.waivers]\nmax_days = 9\nnever = []\n",
        }
    ).policy
    rule = policy.rule("behind-current")
    assert (rule.severity, rule.stages, rule.non_production) == (Severity.ERROR, "all", True)
    assert rule.options == {"grace_days": 7}
    waivers = policy.waivers
    assert (waivers.inline, waivers.max_days, waivers.never) == (False, 9, ())
    assert waivers.file == "basekeeper-waivers.toml"


def test_mirrors_of_all_files_hold_and_the_nearest_wins() -> None:
    policy = _config(
        {
            "basekeeper.toml": '[policy]\nextends = "a.toml"\n'
            '[policy.mirrors]\n"r.example" = "docker.io"\n',
            "a.toml": '[policy.mirrors]\n"r.example" = "quay.io"\n"s.example/x" = "docker.io"\n',
        }
    ).policy
    assert _category(policy, "r.example/alpine") is Category.PREFERRED
    assert _category(policy, "s.example/x/library/alpine") is Category.PREFERRED
    assert _category(policy, "s.example/xy/library/alpine") is Category.PROHIBITED


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"basekeeper.toml": '[policy]\nextends = "../up.toml"\n'},
            "basekeeper.toml:2: policy.extends: '../up.toml' leaves the repository",
        ),
        (
            {"basekeeper.toml": '[policy]\nextends = "/etc/p.toml"\n'},
            "basekeeper.toml:2: policy.extends: '/etc/p.toml' leaves the repository",
        ),
        (
            {"basekeeper.toml": '[policy]\nextends = "gone.toml"\n'},
            "basekeeper.toml:2: policy.extends: 'gone.toml' does not exist",
        ),
        (
            {"basekeeper.toml": '[policy]\nextends = "./basekeeper.toml"\n'},
            "policy.extends: './basekeeper.toml' leads back to a file of this chain",
        ),
        (
            {
                "basekeeper.toml": '[policy]\nextends = "a.toml"\n',
                "a.toml": '[policy]\nextends = "x/../basekeeper.toml"\n',
            },
            "a.toml:2: policy.extends: 'x/../basekeeper.toml' leads back",
        ),
        (
            {
                "basekeeper.toml": '[policy]\nextends = "0.toml"\n',
                **{f"{n}.toml": f'[policy]\nextends = "{n + 1}.toml"\n' for n in range(9)},
            },
            f"policy.extends: is a chain of more than {MAX_EXTENDS} files",
        ),
        (
            {"basekeeper.toml": '[policy]\nextends = "a.toml"\n', "a.toml": "[policy]\nx = 1\n"},
            "a.toml:2: policy.x: is not known here",
        ),
        ({"basekeeper.toml": "policy = 3\n"}, "policy: expected a table, got a number"),
        ({"pyproject.toml": "[tool]\nbasekeeper = 3\n"}, "tool.basekeeper: expected a table"),
    ],
)
def test_says_what_is_wrong_and_in_which_file(files: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _config(files)
    assert message in caught.value.message


def test_says_that_settings_of_an_extended_file_do_not_count() -> None:
    config = _config(
        {
            "basekeeper.toml": '[policy]\nextends = "a.toml"\n',
            "a.toml": '[discover]\nexclude = ["x"]\n',
        }
    )
    assert config.settings.discover.exclude == ()
    assert config.policy.notices == ("settings of a.toml are ignored: only its policy is extended",)


def test_a_policy_file_that_the_user_names_may_extend_any_file(tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    (tmp_path / "company.toml").write_text('[[policy.permitted]]\nimage = "quay.io/c/*"\n')
    path = tmp_path / "team" / "policy.toml"
    path.write_text('[policy]\nextends = "../company.toml"\n')
    for named in (path, str(path)):
        policy = load_policy(named)
        assert policy.name == str(path)
        assert _category(policy, "quay.io/c/x") is Category.PERMITTED


def test_a_policy_may_be_a_pyproject_with_our_table(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text("[tool.basekeeper.policy]\nextends = false\n")
    assert load_policy(path).layers[-1].closed
    path.write_text("[project]\nname = 'x'\n")
    with pytest.raises(ConfigError, match=r"has no \[tool.basekeeper\]"):
        load_policy(path)


def test_says_which_file_an_operators_policy_lacks(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('[policy]\nextends = "gone.toml"\n')
    with pytest.raises(ConfigError, match=r"policy.toml:2: policy.extends: .*does not exist"):
        load_policy(path)
    path.write_text('[policy]\nextends = "."\n')
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        load_policy(path)
    with pytest.raises(InputError, match="cannot be read: No such file"):
        load_policy(tmp_path / "nothing.toml")


def test_the_digest_is_of_what_is_said_not_of_where(tmp_path: Path) -> None:
    text = '[[policy.permitted]]\nimage = "quay.io/x"\n'
    first, second = tmp_path / "a.toml", tmp_path / "b.toml"
    first.write_text(text)
    second.write_text("# a comment\n" + text)
    assert load_policy(first).digest == load_policy(second).digest
    second.write_text(text.replace("quay.io/x", "quay.io/y"))
    assert load_policy(first).digest != load_policy(second).digest
    second.write_text(text + "[policy.rules.end-of-life]\nseverity = 'note'\n")
    assert load_policy(first).digest != load_policy(second).digest


def test_an_operator_sees_what_of_a_repository_does_not_count(tmp_path: Path) -> None:
    operator = tmp_path / "operator.toml"
    operator.write_text('[discover]\nexclude = ["generated"]\n')
    files = {
        "basekeeper.toml": '[discover]\nexclude = ["secret"]\ndockerfiles = ["recipe"]\n',
        "basekeeper-waivers.toml": "",
    }
    config = _config(files, policy_path=operator)
    assert config.settings.discover.exclude == ("generated",)
    assert config.settings.discover.dockerfiles == ("recipe",)
    assert config.policy.waivers.file is None
    assert not config.policy.waivers.inline
    assert config.notices == (
        "discover.exclude of basekeeper.toml is ignored: it is the operator's to set",
        f"basekeeper-waivers.toml is ignored: {operator} does not permit waivers",
    )


def test_an_operator_may_permit_waivers(tmp_path: Path) -> None:
    operator = tmp_path / "operator.toml"
    operator.write_text("[policy.waivers]\nrepository = true\nmax_days = 30\n")
    files = {
        "basekeeper.toml": '[policy.waivers]\nmax_days = 20\nfile = "mine.toml"\n'
        'inline = false\nnever = ["end-of-life"]\n'
    }
    waivers = _config(files, policy_path=operator).policy.waivers
    assert waivers.file == "basekeeper-waivers.toml"
    assert (waivers.inline, waivers.max_days) == (False, 20)
    assert waivers.never[-1] == "end-of-life"
    assert _config({}, policy_path=operator).policy.waivers.inline
